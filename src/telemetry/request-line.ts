import { LRUCache } from 'lru-cache';
import { symbols, type Logger } from 'pino';
import type { LogFields } from './log-fields.ts';
import { isSuspect } from './redact.ts';

/** What the line of an answered request says. */
export interface RequestLine {
  readonly id: string;
  readonly method: string;
  /** As it stood in the request. */
  readonly url: string;
  /** Decoded; undefined where the address was not understood. */
  readonly path: string | undefined;
  readonly status: number;
  /** Of the body, as sent. */
  readonly bytes: number;
  readonly nanoseconds: number;
  readonly address: string | undefined;
  readonly agent: string;
}

/** The message for people. */
export const requestMessage = ({
  method,
  url,
  status,
}: Pick<RequestLine, 'method' | 'url' | 'status'>): string => `${method} ${url} ${status}`;

/** The fields in their order. What is undefined isn't written. */
export function requestFields({ url, agent, ...line }: RequestLine): LogFields {
  const mark = url.indexOf('?');
  return {
    'event.action': 'request',
    'event.duration': line.nanoseconds,
    'http.request.id': line.id,
    'http.request.method': line.method,
    'http.response.status_code': line.status,
    'http.response.body.bytes': line.bytes,
    'url.path': line.path,
    'url.query': mark < 0 ? undefined : url.slice(mark + 1),
    'client.address': line.address,
    'user_agent.original': agent,
    'fleet_depot.kibana.version': kibanaVersion(agent),
  };
}

/** Kibana names its version: `Kibana/9.2.0 node-fetch`. */
function kibanaVersion(agent: string): string | undefined {
  return agent.startsWith('Kibana/') ? /^Kibana\/([\w.+-]+)/.exec(agent)?.[1] : undefined;
}

/** Writes the line as the logger would; undefined for one that only the logger itself can write. */
export type RequestLines = (level: 'info' | 'debug', line: RequestLine) => string | undefined;

// No secret looks like it.
const simpleId = /^[\w.:-]+$/;
// Nothing in it that JSON escapes.
const plain = /^[ !#-[\]-~]*$/;
const isPlain = (text: string): boolean => plain.test(text) && !isSuspect(text);

/** Addresses and clients that repeat, with their part of the line; longer ones are not kept. */
const kept = 512;
const longest = 512;

/** A part of the line that is the same for many requests; `text` is undefined where it needs escaping or may hold a secret. */
interface Part {
  readonly of: string | undefined;
  readonly text: string | undefined;
  /** Of an address: how it was answered last. */
  last?: Answer;
}

/** What the line says of one address and its answer, which are the same again and again. */
interface Answer {
  readonly method: string;
  readonly status: number;
  readonly bytes: number;
  /** From behind the request's id to the address. */
  readonly start: string;
  /** The message. */
  readonly end: string;
}

/**
 * The line that pino makes of these fields, put together from few pieces: pino and the search for secrets take longer over it than the
 * rest of an answer, and so does each piece of a text. `timestamp` is pino's: `,"key":"value"`.
 */
export function createRequestLines(logger: Logger, timestamp: () => string): RequestLines {
  // What every line of the logger has, as JSON; a public symbol of pino's.
  const own = (logger as unknown as Readonly<Record<symbol, string>>)[symbols.chindingsSym as never] ?? '';
  const addresses = createParts((path, url) => {
    const mark = url.indexOf('?');
    return isPlain(url) && (path === undefined || isPlain(path))
      ? written('url.path', path) + written('url.query', mark < 0 ? undefined : url.slice(mark + 1))
      : undefined;
  });
  const clients = createParts((address, agent) =>
    isPlain(agent)
      ? onePiece([
          written('client.address', address),
          written('user_agent.original', agent),
          written('fleet_depot.kibana.version', kibanaVersion(agent)),
        ])
      : undefined,
  );
  let time = '';
  let begin: Readonly<Record<'info' | 'debug', string>> = { info: '', debug: '' };
  const beginningOf = (level: 'info' | 'debug'): string => {
    const now = timestamp();
    if (now !== time) {
      time = now;
      const from = (name: string): string =>
        onePiece(['{"log.level":"', name, '"', now, own, ',"event.action":"request","event.duration":']);
      begin = { info: from('info'), debug: from('debug') };
    }
    return begin[level];
  };
  return (level, { id, method, url, path, status, bytes, nanoseconds, address, agent }) => {
    const where = addresses(path, url);
    const who = clients(address, agent).text;
    if (where.text === undefined || who === undefined || !simpleId.test(id)) {
      return undefined;
    }
    let { last } = where;
    if (last?.method !== method || last.status !== status || last.bytes !== bytes) {
      if (!isPlain(method)) {
        return undefined;
      }
      last = {
        method,
        status,
        bytes,
        start: onePiece([
          `","http.request.method":"${method}","http.response.status_code":${status}`,
          `,"http.response.body.bytes":${bytes}${where.text}`,
        ]),
        end: onePiece([',"message":"', requestMessage({ method, url, status }), '"}\n']),
      };
      where.last = last;
    }
    return `${beginningOf(level)}${nanoseconds},"http.request.id":"${id}${last.start}${who}${last.end}`;
  };
}

const written = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `,"${name}":"${value}"`;

/** The engine keeps an added-up text as a tree of its pieces; that of a join is one. */
const onePiece = (pieces: readonly string[]): string => pieces.join('');

/** Keeps what was made of a text together with what else it depends on. */
function createParts(
  make: (of: string | undefined, text: string) => string | undefined,
): (of: string | undefined, text: string) => Part {
  const parts = new LRUCache<string, Part>({ max: kept });
  return (of, text) => {
    const known = parts.get(text);
    if (known && known.of === of) {
      return known;
    }
    const made: Part = { of, text: make(of, text) };
    if (text.length <= longest) {
      parts.set(text, made);
    }
    return made;
  };
}
