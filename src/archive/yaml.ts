import { isUtf8 } from 'node:buffer';
import { loadAll, type Schema, YAMLException } from 'js-yaml';
import { DepotError } from '../domain/errors.ts';
import { readPlainYaml } from './plain-yaml.ts';
import type { YamlValue } from './yaml-scalars.ts';
import { anyKeySchema, textKeySchema } from './yaml-schema.ts';

export type { YamlValue } from './yaml-scalars.ts';

const maxDepth = 100;
const maxAliases = 1000;
const maxNodes = 1_000_000;
const maxParsedAgain = 4 * 1024 * 1024;

/** How a text is read. */
export interface YamlRules {
  /** Refuses keys that are no text (`5:`, `yes:`), as the reference does in manifests; else they become their text. */
  readonly textKeys?: boolean;
}

/**
 * Reads the first document of a YAML file with the scalar rules of Go's yaml.v2 (YAML 1.1: `yes` and `on` are
 * booleans, `0777` is octal, the last of two equal keys wins), as the manifests in the wild need.
 * Throws DepotError YAML_INVALID with the line, also for more than 100 levels and for aliases that multiply.
 */
export function parseYaml(bytes: Uint8Array, { textKeys = false }: YamlRules = {}): YamlValue {
  if (!isUtf8(bytes)) {
    throw new DepotError('YAML_INVALID', { reason: 'is not valid UTF-8' });
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const plain = readPlainYaml(text);
  if (plain !== undefined) {
    return plain;
  }
  const schema = textKeys ? textKeySchema : anyKeySchema;
  const first = firstDocument(text);
  try {
    const document = loadOpenEnd(first, schema) ?? load(first, schema);
    if (first.includes('*')) {
      refuseMultiplying(document);
    }
    return document;
  } catch (error) {
    if (error instanceof YAMLException) {
      const line = error.mark ? `line ${error.mark.line + 1}: ` : '';
      throw new DepotError('YAML_INVALID', { reason: line + error.reason }, error);
    }
    throw error;
  }
}

const documentMark = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm;
const beforeDocument = /^\ufeff?(?:[ \t]*(?:#.*)?\r?\n|%.*\r?\n)*$/;

/** A text up to where its first document ends: what follows isn't looked at, as by the reference, and may be no YAML at all. */
function firstDocument(text: string): string {
  const [mark, next] = text.matchAll(documentMark);
  if (!mark) {
    return text;
  }
  const end = beforeDocument.test(text.slice(0, mark.index)) ? next : mark;
  return text.slice(0, end?.index);
}

const blockHeader = /[|>][-+0-9]*[ \t]*(?:#.*)?$/m;
// From the private use area; where a text has it, it is left to the plain way.
const endMark = '\uE001';

/**
 * A block scalar on the last line of a text without a line break at its end has none either; js-yaml puts one in. Told by
 * a mark at the end: where it comes back with a line break behind it, that is the one. Undefined where nothing is to be told.
 */
function loadOpenEnd(text: string, schema: Schema): YamlValue | undefined {
  if (/[\r\n]$/.test(text) || text.includes(endMark) || !blockHeader.test(text)) {
    return undefined;
  }
  let isFound = false;
  const trim = (value: YamlValue): YamlValue => {
    if (typeof value === 'string' && value.endsWith(`${endMark}\n`)) {
      isFound = true;
      return value.slice(0, -endMark.length - 1);
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    // The last node of a document is the last of each collection that it is in.
    const key = Array.isArray(value) ? value.length - 1 : Object.keys(value).at(-1);
    const inner = value as Record<string | number, YamlValue>;
    if (key !== undefined && Object.hasOwn(inner, key)) {
      inner[key] = trim(inner[key] ?? null);
    }
    return value;
  };
  try {
    const document = trim(load(text + endMark, schema));
    return isFound ? document : undefined;
  } catch (error) {
    if (error instanceof YAMLException) {
      return undefined;
    }
    throw error;
  }
}

/**
 * The reference's parser takes a continuation line of a quoted scalar or of a flow collection at any indentation, a tab
 * before a flow collection and in it, and a comment right behind a quote or a bracket; the standard and js-yaml don't, and
 * real packages have such lines. White space there means nothing, so it is put right when it is complained of: first in
 * the pieces between lines that start at the margin, which are small, then in all.
 */
function load(text: string, schema: Schema): YamlValue {
  try {
    return loadFirst(text, schema);
  } catch (error) {
    if (repair(text, error) === undefined) {
      throw error;
    }
    const budget = { characters: maxParsedAgain };
    const pieces = text.split(/^(?=[^\s#])/m).map((piece) => repairAll(piece, schema, budget));
    return loadFirst(repairAll(pieces.join(''), schema, budget), schema);
  }
}

function loadFirst(text: string, schema: Schema): YamlValue {
  const [document = null] = loadAll(text, {
    schema,
    json: true,
    maxDepth,
    maxAliases,
  }) as YamlValue[];
  return document;
}

/** Repairs place after place as long as that is the only complaint and the budget of text to parse again lasts. */
function repairAll(text: string, schema: Schema, budget: { characters: number }): string {
  let current = text;
  while (budget.characters > 0) {
    budget.characters -= current.length;
    try {
      loadFirst(current, schema);
      return current;
    } catch (error) {
      const repaired = repair(current, error);
      if (repaired === undefined) {
        return current;
      }
      current = repaired;
    }
  }
  return current;
}

/** The text with other white space where the error lies; undefined where it is about something else. */
function repair(text: string, error: unknown): string | undefined {
  const at = error instanceof YAMLException ? error.mark?.position : undefined;
  if (!(error instanceof YAMLException) || at === undefined) {
    return undefined;
  }
  const put = (from: number, to: number, spaces: number): string =>
    text.slice(0, from) + ' '.repeat(spaces) + text.slice(to);
  if (text[at] === '#' && /["'\]}|>\-+0-9]/.test(text[at - 1] ?? '')) {
    return put(at, at, 1);
  }
  if (error.reason !== 'deficient indentation') {
    return undefined;
  }
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const tab = text.lastIndexOf('\t', at - 1);
  if (tab >= lineStart && text.slice(lineStart, tab).trim() !== '') {
    return put(tab, tab + 1, 1);
  }
  return lineStart > 0 ? put(lineStart, lineStart, maxDepth) : undefined;
}

/** Shared nodes are cheap to hold and dear to print: count them as often as they would be printed. */
function refuseMultiplying(document: YamlValue): void {
  const sizes = new Map<object, number>();
  const measure = (value: YamlValue): number => {
    if (typeof value !== 'object' || value === null) {
      return 1;
    }
    const known = sizes.get(value);
    if (known !== undefined) {
      return known;
    }
    // A node that holds itself is met again before its size is known.
    sizes.set(value, Number.POSITIVE_INFINITY);
    let size = 1;
    for (const child of Object.values(value)) {
      size += measure(child);
    }
    sizes.set(value, size);
    return size;
  };
  if (measure(document) > maxNodes) {
    throw new DepotError('YAML_INVALID', { reason: `aliases multiply to more than ${maxNodes} nodes` });
  }
}
