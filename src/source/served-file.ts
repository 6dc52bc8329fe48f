import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BigIntStats } from 'node:fs';
import type { RandomFile } from '../archive/random-file.ts';
import { DepotError } from '../domain/errors.ts';
import type { FileOpener, OpenedFile } from './file-opener.ts';
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
 * A file that is written to while it is read would be sent with a beginning of the old and an end of the new content: it
 * fails then. A file that is replaced by a rename, or removed, stays what it was opened as.
 */
const requireUnchanged = async (file: OpenedFile, what: string): Promise<void> => {
  const now = await file.look();
  if (now.mtimeNs !== file.stats.mtimeNs || now.size !== file.stats.size) {
    throw new DepotError('FILE_UNREADABLE', { reason: `${what} was changed while it was read` });
  }
};

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
export const openServedFile = async (opener: FileOpener, path: string, what: string): Promise<ServedFile> => {
  const file = await opener.open(path, what);
  const size = Number(file.stats.size);
  return {
    size,
    modifiedAt: new Date(modifiedAt(file.stats)),
    etag: etagOf(fileStamp(file.stats)),
    stream: (start, end) =>
      streamRange({ read: (position, length) => readPiece(file, what, position, length) }, start, end),
    readInto: async (buffer, length, position, isLast = true) => {
      const count = await file.readInto(buffer, length, position);
      if (isLast) {
        await requireUnchanged(file, what);
      }
      return count;
    },
    close: () => file.close(),
  };
};

/** Exactly these bytes, of a file that is what it was opened as. */
const readPiece = async (
  file: OpenedFile,
  what: string,
  position: number,
  length: number,
): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(length);
  for (let got = 0; got < length;) {
    got += await file.readInto(bytes.subarray(got), length - got, position + got);
  }
  await requireUnchanged(file, what);
  return bytes;
};

/** A small file that is in memory already. */
export const servedBytes = (bytes: Buffer, modified: number): ServedFile => ({
  size: bytes.length,
  modifiedAt: new Date(modified),
  etag: etagOf(bytes),
  stream: (start, end) => Readable.from([bytes.subarray(start, end + 1)], { objectMode: false }),
  close: () => Promise.resolve(),
});
