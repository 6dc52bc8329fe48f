import { promisify } from 'node:util';
import { crc32, createInflateRaw, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { DepotError } from '../domain/errors.ts';
import type { ZipEntry } from './zip-directory.ts';
import { entryInvalid } from './zip-stored.ts';

/** Below these sizes inflating costs less than handing the job to another thread. */
const smallBytes = { compressed: 64 * 1024, inflated: 1024 * 1024 } as const;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

// With `info` the engine comes along, which tells how many bytes the deflated stream really has.
const inflateLater = promisify(inflateRaw) as unknown as (
  bytes: Buffer,
  options: ZlibOptions,
) => Promise<Inflated>;
const inflateNow = inflateRawSync as unknown as (bytes: Buffer, options: ZlibOptions) => Inflated;

/** Inflates and checks the bytes of an entry. Never makes more than the size that the entry declares. */
export const unpackBytes = async (stored: Buffer, entry: ZipEntry): Promise<Buffer> => {
  if (entry.method === 0 || (stored.length < smallBytes.compressed && entry.size < smallBytes.inflated)) {
    return unpackBytesNow(stored, entry);
  }
  let inflated: Inflated;
  try {
    inflated = await inflateLater(stored, inflateOptions(entry));
  } catch (error) {
    throw inflateFault(entry, error);
  }
  return checkContent(checkInflated(inflated, entry), entry);
};

/** The same with the thread itself: for worker threads. */
export const unpackBytesNow = (stored: Buffer, entry: ZipEntry): Buffer => {
  if (entry.method === 0) {
    return checkContent(stored, entry);
  }
  let inflated: Inflated;
  try {
    inflated = inflateNow(stored, inflateOptions(entry));
  } catch (error) {
    throw inflateFault(entry, error);
  }
  return checkContent(checkInflated(inflated, entry), entry);
};

/**
 * Checks what `unpackBytes` checks, of an entry of any size in little memory. A piece of its stored bytes has to stay as it is
 * until the next one is asked for. `unpacked` is told how many bytes each piece of content had that was made and is let go.
 */
export const checkStoredPieces = async (
  pieces: Iterable<Buffer>,
  entry: ZipEntry,
  unpacked: (bytes: number) => void = () => {},
): Promise<void> => {
  let size = 0;
  let crc = 0;
  const take = (content: Buffer): void => {
    size += content.length;
    crc = crc32(content, crc);
  };
  if (entry.method === 0) {
    for (const piece of pieces) {
      take(piece);
    }
  } else {
    const taken = await inflatePieces(pieces, entry, (content) => {
      if (size + content.length > entry.size) {
        throw tooMuch(entry);
      }
      take(content);
      unpacked(content.length);
    });
    checkInflatedSizes(size, taken, entry);
  }
  checkCrc(crc, entry);
};

/** Returns how many bytes the deflated stream really has. */
const inflatePieces = (
  pieces: Iterable<Buffer>,
  entry: ZipEntry,
  take: (content: Buffer) => void,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const engine = createInflateRaw({ chunkSize: 64 * 1024 });
    const iterator = pieces[Symbol.iterator]();
    // One piece after the other: zlib is through with one when the callback comes.
    const next = (): void => {
      try {
        const piece = iterator.next();
        if (piece.done) {
          engine.end();
        } else {
          engine.write(piece.value, (error) => error ?? next());
        }
      } catch (error) {
        engine.destroy(error as Error);
      }
    };
    engine.on('data', (content: Buffer) => {
      try {
        take(content);
      } catch (error) {
        engine.destroy(error as Error);
      }
    });
    engine.once('end', () => resolve(engine.bytesWritten));
    engine.once('error', (error) => reject(error instanceof DepotError ? error : inflateFault(entry, error)));
    next();
  });

const inflateOptions = (entry: ZipEntry): ZlibOptions => ({
  info: true,
  maxOutputLength: Math.max(entry.size, 1),
  // One chunk with room to spare takes the whole output without joining; zlib refuses less than 64.
  chunkSize: Math.min(Math.max(entry.size + 1, 64), 256 * 1024),
});

const tooMuch = (entry: ZipEntry, cause?: unknown): DepotError =>
  entryInvalid(entry, `unpacks to more than the ${entry.size} bytes that it declares`, cause);

const inflateFault = (entry: ZipEntry, error: unknown): DepotError => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_BUFFER_TOO_LARGE'
    ? tooMuch(entry, error)
    : entryInvalid(entry, `is damaged: its deflated data cannot be read (${String(code)})`, error);
};

const checkInflated = ({ buffer, engine }: Inflated, entry: ZipEntry): Buffer => {
  checkInflatedSizes(buffer.length, engine.bytesWritten, entry);
  return buffer;
};

/** `size` bytes came out, for which `taken` had to go in. */
const checkInflatedSizes = (size: number, taken: number, entry: ZipEntry): void => {
  if (size !== entry.size) {
    throw entryInvalid(entry, `unpacks to ${size} bytes, but declares ${entry.size}`);
  }
  if (taken !== entry.compressedSize) {
    throw entryInvalid(entry, `has ${entry.compressedSize - taken} stray bytes behind its deflated data`);
  }
};

const checkContent = (content: Buffer, entry: ZipEntry): Buffer => {
  checkCrc(crc32(content), entry);
  return content;
};

const checkCrc = (crc: number, entry: ZipEntry): void => {
  if (crc !== entry.crc32) {
    throw entryInvalid(entry, 'is damaged: its CRC-32 is not the one in the directory');
  }
};
