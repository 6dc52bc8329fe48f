import type { Context } from 'koa';
import type { Body, Encoding } from '../answer/body.ts';
import type { ServedFile } from '../source/source.ts';
import { commonHeaders, setCommonHeaders } from './common-headers.ts';
import { endWith, goesInPieces } from './encrypted-body.ts';
import { hasConditions, isKnown, isUnmet, rangeIsFor } from './preconditions.ts';
import type { ReusableFile } from './pieces.ts';
import type { Transfers } from './transfers.ts';

/** What is the same for every kind of answer. */
export interface AnswerHead {
  readonly type: string;
  /** Seconds that clients may keep the answer. */
  readonly maxAge: number;
  /** True where another client may get another encoding. */
  readonly varies?: boolean;
  readonly encoding?: 'gzip' | 'identity';
  readonly modifiedAt?: Date;
  /** `modifiedAt` as the header has it, where that is known already. */
  readonly lastModified?: string;
  /** True where a part may be asked for. */
  readonly ranges?: boolean;
  /** Instead of `max-age=…` and `public`. */
  readonly cacheControl?: string;
  /** Headers that only this kind of answer has. */
  readonly further?: readonly (readonly [name: string, value: string])[];
}

const cacheHeaders = ({ cacheControl, maxAge }: AnswerHead): readonly string[] =>
  cacheControl === undefined
    ? ['Cache-Control', `max-age=${maxAge}`, 'Cache-Control', 'public']
    : ['Cache-Control', cacheControl];

/** Heads of the same answer in each encoding. */
export function createHeads(head: AnswerHead): Readonly<Record<Encoding, AnswerHead>> {
  return { identity: { ...head, encoding: 'identity' }, gzip: { ...head, encoding: 'gzip' } };
}

/** Sends bytes from memory. Knows HEAD, validators and ranges; the only place that does, with sendFile. */
export function sendBody(context: Context, body: Body, head: AnswerHead): void {
  if (asksForWhole(context)) {
    sendWhole(context, body, head);
    return;
  }
  const range = prepare(context, body.bytes.length, body.etag, head);
  if (range === undefined) {
    return;
  }
  const part = range === null ? body.bytes : body.bytes.subarray(range.start, range.end + 1);
  const isSent = context.method !== 'HEAD';
  if (isSent && goesInPieces(context.res, part)) {
    context.set('Content-Type', head.type);
    context.length = part.length;
    context.respond = false;
    setCommonHeaders(context);
    endWith(context.res, part);
    return;
  }
  if (isSent) {
    context.body = part;
    context.set('Content-Type', head.type);
  }
  context.length = part.length;
}

/** A plain GET: no condition, no range. */
function asksForWhole({ req: { method, headers } }: Context): boolean {
  return method === 'GET' && headers.range === undefined && !hasConditions(headers);
}

/** The head in one piece and the kept bytes behind it: most answers go out here. */
function sendWhole(context: Context, { bytes, etag }: Body, head: AnswerHead): void {
  writeWholeHead(context, bytes.length, etag, head);
  endWith(context.res, bytes);
}

/** The head of a whole body that Koa isn't asked to send. */
function writeWholeHead(context: Context, size: number, etag: string, head: AnswerHead): void {
  const headers = commonHeaders(context);
  headers.push('Content-Type', head.type, ...cacheHeaders(head), 'ETag', etag);
  if (head.varies) {
    headers.push('Vary', 'Accept-Encoding');
  }
  if (head.modifiedAt) {
    headers.push('Last-Modified', head.lastModified ?? head.modifiedAt.toUTCString());
  }
  if (head.encoding === 'gzip') {
    headers.push('Content-Encoding', 'gzip');
  }
  if (head.ranges) {
    headers.push('Accept-Ranges', 'bytes');
  }
  for (const [name, value] of head.further ?? []) {
    headers.push(name, value);
  }
  headers.push('Content-Length', String(size));
  sendHead(context, 200, headers, size);
}

/**
 * Sends a short text that is true at this moment only, which nobody is to keep. `further` are names and values of more headers.
 */
export function sendMoment(
  context: Context,
  status: number,
  type: string,
  text: string,
  further: readonly string[] = [],
): void {
  const bytes = Buffer.byteLength(text);
  const headers = commonHeaders(context);
  headers.push(
    'Content-Type',
    type,
    'Cache-Control',
    'no-store',
    'Content-Length',
    String(bytes),
    ...further,
  );
  sendHead(context, status, headers, bytes);
  context.res.end(context.req.method === 'HEAD' ? undefined : text);
}

/** From here on the answer is ours, not Koa's. */
function sendHead(context: Context, status: number, headers: string[], bytes: number): void {
  context.respond = false;
  context.state['sentBytes'] = bytes;
  context.res.writeHead(status, headers);
}

/**
 * Sends an open file and closes it, whatever happens. A fault while reading cuts the connection: a client that waits for
 * the rest of a Content-Length would wait for ever. Files on disk go by `transfers` where it is given.
 */
export async function sendFile(
  context: Context,
  file: ServedFile,
  head: AnswerHead,
  transfers?: Transfers,
): Promise<void> {
  const etag = `"${file.etag}"`;
  const fileHead = { ...head, modifiedAt: file.modifiedAt, ranges: true };
  if (transfers && isReusable(file) && file.size > 0 && asksForWhole(context)) {
    await begun((begin) =>
      transfers.send(context.res, file, 0, file.size - 1, () => {
        writeWholeHead(context, file.size, etag, fileHead);
        begin();
      }),
    );
    return;
  }
  const range = prepare(context, file.size, etag, fileHead);
  if (range === undefined || context.method === 'HEAD') {
    if (range !== undefined) {
      context.length = range === null ? file.size : range.end - range.start + 1;
    }
    await file.close();
    return;
  }
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  if (transfers && isReusable(file) && end >= start) {
    context.set('Content-Type', head.type);
    context.length = end - start + 1;
    setCommonHeaders(context);
    await begun((begin) =>
      transfers.send(context.res, file, start, end, () => {
        context.respond = false;
        begin();
      }),
    );
    return;
  }
  const stream = file.stream(start, end);
  stream.once('error', () => context.res.destroy());
  stream.once('close', () => void file.close());
  context.body = stream;
  context.set('Content-Type', head.type);
  context.length = end - start + 1;
}

/**
 * Waits until the answer is begun, and no longer: what goes wrong from there on is no error that an answer could tell. Rejects where it
 * never began.
 */
const begun = (send: (begin: () => void) => Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    send(resolve).then(resolve, reject);
  });

const isReusable = (file: ServedFile): file is ReusableFile => file.readInto !== undefined;

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Sets status and headers. The range to send, null for the whole, undefined when there is nothing to send. */
function prepare(
  context: Context,
  size: number,
  etag: string,
  head: AnswerHead,
): ByteRange | null | undefined {
  // The plain response: Koa's `set` checks and converts what is right already, nine times for each request.
  const response = context.res;
  context.status = 200;
  response.setHeader('Content-Type', head.type);
  response.setHeader('Cache-Control', head.cacheControl ?? [`max-age=${head.maxAge}`, 'public']);
  response.setHeader('ETag', etag);
  if (head.varies) {
    response.setHeader('Vary', 'Accept-Encoding');
  }
  if (head.modifiedAt) {
    response.setHeader('Last-Modified', head.modifiedAt.toUTCString());
  }
  for (const [name, value] of head.further ?? []) {
    response.setHeader(name, value);
  }
  const { headers } = context.req;
  if (isUnmet(headers, etag, head.modifiedAt)) {
    refuse(context, 412, 'precondition failed');
    return undefined;
  }
  if (isKnown(headers, etag, head.modifiedAt)) {
    context.status = 304;
    return undefined;
  }
  if (head.encoding === 'gzip') {
    response.setHeader('Content-Encoding', 'gzip');
  }
  if (!head.ranges) {
    return null;
  }
  response.setHeader('Accept-Ranges', 'bytes');
  const wanted = headers.range;
  if (wanted === undefined || !rangeIsFor(headers, etag, head.modifiedAt)) {
    return null;
  }
  return chooseRange(context, size, wanted);
}

/** What a condition or a range of the request forbids to send. */
function refuse(context: Context, status: number, text: string): void {
  context.status = status;
  context.set('Cache-Control', ['max-age=0', 'private, no-store']);
  context.remove('ETag');
  context.remove('Last-Modified');
  context.body = `${text}\n`;
  context.set('Content-Type', 'text/plain; charset=utf-8');
}

/** One range is answered with 206; several, or what is no range of bytes, with the whole (RFC 9110, 14.2). */
function chooseRange(context: Context, size: number, wanted: string): ByteRange | null | undefined {
  const range = readRange(wanted, size);
  if (range === 'unsatisfiable') {
    refuse(context, 416, 'invalid range: failed to overlap');
    context.set('Content-Range', `bytes */${size}`);
    return undefined;
  }
  if (range !== null) {
    context.status = 206;
    context.set('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
  }
  return range;
}

/**
 * One range of bytes, cut to the size; null for what is to be ignored. A suffix longer than the file is all of it. An
 * empty file has no part, and is sent whole to clients that always ask for one.
 */
function readRange(header: string, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header);
  const [, first = '', last = ''] = match ?? [];
  if (size === 0 || (first === '' && last === '') || (first !== '' && last !== '' && +last < +first)) {
    return null;
  }
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start < size ? { start, end } : 'unsatisfiable';
}
