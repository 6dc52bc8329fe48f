import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { fileProblem } from '../archive/file-problem.ts';

/** Where a file's bytes are in a tar. */
export interface TarPlace {
  readonly offset: number;
  readonly size: number;
}

/** A tar whose files can be read at random by name. Names are looked up, never used as paths on disk. */
export interface TarSurvey {
  readonly file: string;
  has(name: string): boolean;
  /** Throws BASE_IMAGE_INVALID where the file is absent. */
  find(name: string): TarPlace;
  /** A small file as text. */
  text(name: string): Promise<string>;
  stream(place: TarPlace): AsyncIterable<Uint8Array>;
  fail(reason: string): DepotError;
}

const maxEntries = 20_000;
const maxTextBytes = 8 << 20;
const maxLinks = 8;

/** Reads the names of an image archive. Throws BASE_IMAGE_INVALID for what is no plain tar, is cut, or names a file twice. */
export const surveyTar = async (file: string, signal: AbortSignal): Promise<TarSurvey> => {
  const fail = (reason: string, cause?: unknown): DepotError =>
    new DepotError('BASE_IMAGE_INVALID', { file, reason }, cause);
  await refuseCompressed(file, fail);
  const files = new Map<string, TarPlace>();
  const links = new Map<string, string>();
  const parsed = extract();
  const feeding = pipeline(
    createReadStream(file, { highWaterMark: 1 << 20, signal }),
    parsed as unknown as NodeJS.WritableStream,
  );
  feeding.catch(() => undefined);
  try {
    for await (const entry of parsed) {
      const { type, size, linkname } = entry.header;
      const name = path.posix.normalize(entry.header.name);
      if (files.has(name) || links.has(name)) {
        throw fail(`the name ${shown(name)} is there twice`);
      }
      if (files.size + links.size >= maxEntries) {
        throw fail(`it has more than ${maxEntries} entries; an image has a few dozen`);
      }
      if (type === 'file') {
        // tar-stream tells where the entry's own header is; its content follows that one block.
        files.set(name, { offset: entry.offset + 512, size });
      } else if (type === 'symlink') {
        links.set(name, path.posix.join(path.posix.dirname(name), linkname));
      } else if (type === 'link') {
        links.set(name, path.posix.normalize(linkname));
      }
      // Folders and what else there may be mean nothing in an image archive.
      entry.resume();
    }
    await feeding;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DepotError) {
      throw error;
    }
    const isUnread = errnoOf(error) !== undefined;
    throw fail(
      isUnread
        ? `it cannot be read: ${fileProblem(error)}`
        : 'it is not a tar archive, is damaged or was cut off',
      error,
    );
  }

  const lookUp = (wanted: string): TarPlace | undefined => {
    let name = path.posix.normalize(wanted);
    for (let followed = 0; followed <= maxLinks; followed += 1) {
      const target = links.get(name);
      if (target === undefined) {
        return files.get(name);
      }
      name = target;
    }
    return undefined;
  };

  const find = (name: string): TarPlace => {
    const place = lookUp(name);
    if (place === undefined) {
      throw fail(`it names ${shown(name)}, which is not in it`);
    }
    return place;
  };

  return {
    file,
    fail,
    find,
    has: (name) => lookUp(name) !== undefined,
    async text(name) {
      const place = find(name);
      if (place.size > maxTextBytes) {
        throw fail(`${shown(name)} has ${place.size} bytes; such a file has a few thousand`);
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of readRange(file, place, fail)) {
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    stream: (place) => readRange(file, place, fail),
  };
};

const shown = (name: string): string => JSON.stringify(name.slice(0, 120));

async function* readRange(
  file: string,
  { offset, size }: TarPlace,
  fail: (reason: string, cause?: unknown) => DepotError,
): AsyncGenerator<Uint8Array> {
  if (size === 0) {
    return;
  }
  let left = size;
  const range = { start: offset, end: offset + size - 1, highWaterMark: 1 << 20 };
  try {
    for await (const chunk of createReadStream(file, range) as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw fail(`it cannot be read: ${fileProblem(error)}`, error);
  }
  if (left !== 0) {
    throw fail('it was changed while it was read');
  }
}

const refuseCompressed = async (
  file: string,
  fail: (reason: string, cause?: unknown) => DepotError,
): Promise<void> => {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const head = Buffer.alloc(4);
    await handle.read(head, 0, 4, 0);
    const compression = compressionOf(head);
    if (compression !== undefined) {
      throw fail(
        `the archive as a whole is compressed by ${compression}; unpack it first (\`${compression} -dk FILE\`)`,
      );
    }
  } catch (error) {
    throw error instanceof DepotError ? error : fail(`it cannot be read: ${fileProblem(error)}`, error);
  } finally {
    await handle?.close();
  }
};

/** Which program compressed something, by its first bytes. */
export const compressionOf = (head: Uint8Array): 'gzip' | 'zstd' | 'xz' | 'bzip2' | undefined => {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, at) => head[at] === byte);
  return starts(0x1f, 0x8b)
    ? 'gzip'
    : starts(0x28, 0xb5, 0x2f, 0xfd)
      ? 'zstd'
      : starts(0xfd, 0x37, 0x7a, 0x58)
        ? 'xz'
        : starts(0x42, 0x5a, 0x68)
          ? 'bzip2'
          : undefined;
};
