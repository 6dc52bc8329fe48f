import type { Readable } from 'node:stream';
import { DepotError } from '../domain/errors.ts';

/** One outgoing request. Redirects are never followed by the client itself: see `net/upstream-hosts.ts`. */
export interface HttpRequest {
  /** May carry userinfo, which becomes Basic authorization. */
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The answer will most likely tell how long its body is, as for files: it is asked for on the quick way. */
  readonly expectsLength?: boolean;
}

/** A body; some can be read to a place in memory, too, which costs far less. */
export interface HttpBody extends Readable {
  /**
   * Instead of reading the stream: the whole body, to the beginning of `target`. Rejects where it is cut; then `onBytes` has
   * told how much of it came.
   */
  readInto?(target: Buffer, onBytes: (count: number) => void): Promise<void>;
}

/** An answer whose body is still to come. */
export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; the first value of a repeated header. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Must be read to its end, or dismissed with `dismiss`. */
  readonly body: HttpBody;
  /** The address that answered, after redirects. */
  readonly url: URL;
}

/** Outgoing HTTP, through proxies and with certificates. Implemented over undici in net/client.ts. */
export interface HttpClient {
  /** Throws Transient for faults that may pass, DepotError for those that won't. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** A fault that may pass: worth another attempt. `error` is what to report when attempts are used up. */
export class Transient extends Error {
  readonly error: DepotError;
  /** Milliseconds that the other side asked to wait. */
  readonly retryAfter: number | undefined;

  constructor(error: DepotError, retryAfter?: number) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfter = retryAfter;
  }
}

/** What to report of what a request has thrown: of a fault that may pass, the fault itself. */
export const reportedFault = (error: unknown): unknown => (error instanceof Transient ? error.error : error);

/** An address as it may be shown: without user, password and fragment. */
export function showUrl(url: URL | string): string {
  if (typeof url === 'string') {
    if (!URL.canParse(url)) {
      return url.replace(/\/\/[^/@]*@/, '//');
    }
    url = new URL(url);
  }
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  return shown.href;
}

/** Appends a path to an address that may have a path itself; the result can't leave the address's host. */
export function joinUrl(address: URL, path: string): URL {
  const joined = new URL(address.origin + address.pathname.replace(/\/+$/, '') + path);
  // Each part that is set is another reading of the address, and a listing names thousands.
  if (address.username !== '' || address.password !== '') {
    joined.username = address.username;
    joined.password = address.password;
  }
  return joined;
}

/** What a server may claim of a body before memory is taken for it. */
const mostAtOnce = 1024 * 1024;

/** The whole body as bytes, at most `limit`. Throws DepotError UPSTREAM_ANSWER beyond. */
export async function readBody(
  answer: HttpAnswer,
  limit: number,
  body: Readable = answer.body,
): Promise<Buffer> {
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  if (body === answer.body && answer.body.readInto && length <= Math.min(limit, mostAtOnce)) {
    const whole = Buffer.allocUnsafe(length);
    await answer.body.readInto(whole, () => {});
    return whole;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      answer.body.destroy();
      throw new DepotError('UPSTREAM_ANSWER', {
        url: showUrl(answer.url),
        reason: `the answer is larger than ${limit} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Lets go of a body that nobody wants; small ones are read so that the connection lives on. */
export function dismiss(answer: HttpAnswer): void {
  answer.body.on('error', () => {});
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  if (length <= 65_536) {
    answer.body.resume();
  } else {
    answer.body.destroy();
  }
}
