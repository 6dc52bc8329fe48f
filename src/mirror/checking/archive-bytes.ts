import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { DepotError } from '../../domain/errors.ts';
import type { PiecedContent } from '../../signing/signature.ts';

/** The bytes of one archive, read with the thread itself: for worker threads. */
export interface ArchiveBytes {
  readonly size: number;
  /** All of it, where it is in memory. */
  readonly whole: Buffer | undefined;
  /** Throws an Error where the archive ends before. */
  read(position: number, length: number): Buffer;
  /** Bytes in order, all where no range is given; a piece is good until the next one is asked for. */
  pieces(start?: number, end?: number): Iterable<Buffer>;
  close(): void;
}

/** An archive that is in memory as a whole. */
export const bytesInMemory = (whole: Buffer): ArchiveBytes => ({
  size: whole.length,
  whole,
  read: (position, length) => {
    if (position + length > whole.length) {
      throw new Error('the archive is cut off');
    }
    return whole.subarray(position, position + length);
  },
  pieces: (start = 0, end = whole.length) => [whole.subarray(start, end)],
  close() {},
});

/**
 * Opens an archive of at most `limit` bytes. One that fits into `buffer` is read into it at once; of a larger one never
 * more than a piece is in memory, or what is asked for.
 */
export function openArchiveBytes(path: string, limit: number, buffer: Buffer): ArchiveBytes {
  const descriptor = openSync(path, constants.O_RDONLY);
  const fill = (target: Buffer, position: number): Buffer => {
    for (let at = 0; at < target.length;) {
      const got = readSync(descriptor, target, at, target.length - at, position + at);
      if (got === 0) {
        throw new Error('the file became shorter while it was read');
      }
      at += got;
    }
    return target;
  };
  try {
    const { size } = fstatSync(descriptor);
    if (size > limit) {
      throw new DepotError('LIMIT_EXCEEDED', {
        what: 'the size of the archive',
        value: `${size} bytes`,
        limit: `${limit} bytes`,
      });
    }
    if (size <= buffer.length) {
      const whole = fill(buffer.subarray(0, size), 0);
      return { ...bytesInMemory(whole), close: () => closeSync(descriptor) };
    }
    return {
      size,
      whole: undefined,
      read: (position, length) => {
        if (position + length > size) {
          throw new Error('the archive is cut off');
        }
        return fill(Buffer.allocUnsafeSlow(length), position);
      },
      *pieces(start = 0, end = size) {
        for (let at = start; at < end; at += buffer.length) {
          yield fill(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
        }
      },
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Content whose SHA-256 is wanted in any case. */
export interface HashedContent extends PiecedContent {
  digest(hash: string, tail: Uint8Array): Buffer;
  /** SHA-256 in hex; reads the content where nobody has read it to its end. */
  sha256(): string;
}

/** Reads an archive once for all digests that are asked of it; a signature with SHA-256 costs no second hash. */
export const hashWhileRead = (archive: ArchiveBytes): HashedContent => {
  let whole: Hash | undefined;
  const content: HashedContent = {
    *pieces() {
      const hash = createHash('sha256');
      for (const piece of archive.pieces()) {
        hash.update(piece);
        yield piece;
      }
      whole = hash;
    },
    digest(name, tail) {
      const other = name === 'sha256' ? undefined : createHash(name);
      if (other || !whole) {
        for (const piece of content.pieces()) {
          other?.update(piece);
        }
      }
      return (other ?? (whole as Hash).copy()).update(tail).digest();
    },
    sha256: () => content.digest('sha256', new Uint8Array(0)).toString('hex'),
  };
  return content;
};
