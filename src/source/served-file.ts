import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BigIntStats } from 'node:fs';
import { openRandomFile, type RandomFile } from '../archive/random-file.ts';
import type { ServedFile } from './source.ts';

/** What is read at once for a client; a slow one holds two of these. */
const pieceBytes = 128 * 1024;

/** Changes whenever a file's content may have changed, and with a rename, a new owner or a new place on disk too. */
export const fileStamp = (stats: BigIntStats): string =>
  [stats.size, stats.mtimeNs, stats.ctimeNs, stats.ino].map((part) => part.toString(36)).join('-');

/** Milliseconds since 1970 of the last change. */
export const modifiedAt = (stats: BigIntStats): number => Number(stats.mtimeNs / 1_000_000n);

/** A strong validator made of a text or of bytes. */
export const etagOf = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 32);

/**
 * Bytes `start` to `end` of an open file. Ends with an error, never early, where the file has become shorter: a body that
 * just stops under its Content-Length leaves Kibana waiting.
 */
export const streamRange = (file: Pick<RandomFile, 'read'>, start: number, end: number): Readable => {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let position = start; position <= end; position += pieceBytes) {
      yield await file.read(position, Math.min(pieceBytes, end + 1 - position));
    }
  };
  return Readable.from(pieces(), { objectMode: false, highWaterMark: pieceBytes });
};

/** A file on disk as it is sent. Throws FILE_UNREADABLE; `what` names it there. */
export const openServedFile = async (path: string, what: string): Promise<ServedFile> => {
  const file = await openRandomFile(path, what, false);
  return {
    size: file.size,
    modifiedAt: new Date(modifiedAt(file.stats)),
    etag: etagOf(fileStamp(file.stats)),
    stream: (start, end) => streamRange(file, start, end),
    close: () => file.close(),
  };
};

/** A small file that is in memory already. */
export const servedBytes = (bytes: Buffer, modified: number): ServedFile => ({
  size: bytes.length,
  modifiedAt: new Date(modified),
  etag: etagOf(bytes),
  stream: (start, end) => Readable.from([bytes.subarray(start, end + 1)], { objectMode: false }),
  close: () => Promise.resolve(),
});
