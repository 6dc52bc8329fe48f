import { constants, read } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { digestOf } from '../files/digest.ts';
import { unreadable } from '../archive/file-problem.ts';
import { DepotError } from '../domain/errors.ts';
import { isGone } from '../domain/system-error.ts';
import type { ServedFile } from '../source/source.ts';
import type { Artifact } from './artifact.ts';
import { contentStamp } from './inventory.ts';

const pieceBytes = 128 * 1024;

/**
 * Opens a file to be sent; undefined where another file lies there than was judged. Its ETag is hex without `-`, because
 * endpoints refuse others: the content's digest where it is known.
 */
export const openArtifact = async (artifact: Artifact): Promise<ServedFile | undefined> => {
  let handle: FileHandle;
  try {
    handle = await open(artifact.absolute, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw unreadable(artifact.path, error, { path: artifact.absolute });
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile() || contentStamp(stats) !== artifact.stamp) {
      await handle.close();
      return undefined;
    }
  } catch (error) {
    await handle.close();
    throw unreadable(artifact.path, error, { path: artifact.absolute });
  }
  const readPiece = (buffer: Buffer, length: number, position: number): Promise<number> =>
    new Promise((resolve, reject) => {
      read(handle.fd, buffer, 0, length, position, (error, count) => {
        if (error) {
          reject(unreadable(artifact.path, error, { path: artifact.absolute, position }));
        } else if (count === 0) {
          reject(
            new DepotError('FILE_UNREADABLE', {
              reason: `${artifact.path} has become shorter while it was read`,
            }),
          );
        } else {
          resolve(count);
        }
      });
    });
  // Who wrote over the file instead of replacing it would have clients get half of each: they get no last piece.
  const readInto = async (
    buffer: Buffer,
    length: number,
    position: number,
    isLast = true,
  ): Promise<number> => {
    const count = await readPiece(buffer, length, position);
    if (isLast && contentStamp(await handle.stat({ bigint: true })) !== artifact.stamp) {
      throw new DepotError('FILE_UNREADABLE', {
        reason: `${artifact.path} was written over while it was read`,
      });
    }
    return count;
  };
  return {
    size: artifact.size,
    modifiedAt: new Date(artifact.modifiedAt),
    etag: (artifact.digest ?? digestOf(artifact.stamp)).slice(0, 64),
    readInto,
    stream: (start, end) =>
      Readable.from(pieces(readInto, start, end), { objectMode: false, highWaterMark: pieceBytes }),
    close: () => handle.close(),
  };
};

async function* pieces(
  readInto: (buffer: Buffer, length: number, position: number, isLast: boolean) => Promise<number>,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  for (let position = start; position <= end;) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, end + 1 - position));
    const count = await readInto(buffer, buffer.length, position, position + buffer.length > end);
    yield buffer.subarray(0, count);
    position += count;
  }
}
