import { symbols, type Logger } from 'pino';
import type { FlatFields } from './log.ts';
import { isSuspect } from './redact.ts';

/** Writes flat lines as the logger would; undefined for a line that only the logger itself can write. */
export type FlatLines = (level: 'info' | 'debug', fields: FlatFields, message: string) => string | undefined;

// Nothing in it that JSON escapes.
const plain = /^[ !#-[\]-~]*$/;

// The shortest of what may hold a secret is a URL with a name and a password.
const shortestSuspect = 6;

const isPlain = (text: string): boolean =>
  plain.test(text) && (text.length < shortestSuspect || !isSuspect(text));

/**
 * The line that pino makes of flat fields, put together directly: pino and the search for secrets take longer over the line of a
 * request than the rest of its answer. Whatever needs escaping or may hold a secret is left to them. `timestamp` is pino's: `,"key":"value"`.
 */
export function createFlatLines(logger: Logger, timestamp: () => string): FlatLines {
  // What every line of the logger has, as JSON; a public symbol of pino's.
  const own = (logger as unknown as Readonly<Record<symbol, string>>)[symbols.chindingsSym as never] ?? '';
  // Each piece of a line costs when they become one text: the names are few, and have their signs with them.
  const names = new Map<string, { readonly number: string; readonly text: string }>();
  const signsOf = (name: string): { readonly number: string; readonly text: string } => {
    const known = names.get(name);
    if (known) {
      return known;
    }
    const signs = { number: `,"${name}":`, text: `,"${name}":"` };
    names.set(name, signs);
    return signs;
  };
  return (level, fields, message) => {
    if (!isPlain(message)) {
      return undefined;
    }
    let line = `{"log.level":"${level}"${timestamp()}${own}`;
    for (const name in fields) {
      const value = fields[name];
      if (typeof value === 'number' && Number.isFinite(value)) {
        line += signsOf(name).number + value;
      } else if (typeof value === 'string' && isPlain(value)) {
        line += `${signsOf(name).text}${value}"`;
      } else if (value !== undefined) {
        return undefined;
      }
    }
    return `${line},"message":"${message}"}\n`;
  };
}
