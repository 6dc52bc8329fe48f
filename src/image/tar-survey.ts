import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { fileProblem } from '../archive/file-problem.ts';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { compressionOf, headBytes } from './compression.ts';

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
  const fail: Fail = (reason, cause) => new DepotError('BASE_IMAGE_INVALID', { file, reason }, cause);
  await refuseCompressed(file, fail);
  const names = await readNames(file, fail, signal);

  const find = (name: string): TarPlace => {
    const place = lookUp(names, name);
    if (place === undefined) {
      throw fail(`it names ${shown(name)}, which is not in it`);
    }
    return place;
  };

  return {
    file,
    fail,
    find,
    has: (name) => lookUp(names, name) !== undefined,
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

type Fail = (reason: string, cause?: unknown) => DepotError;

/** What a tar has: files, and names that stand for others. */
interface TarNames {
  readonly files: Map<string, TarPlace>;
  readonly links: Map<string, string>;
}

const readNames = async (file: string, fail: Fail, signal: AbortSignal): Promise<TarNames> => {
  const names: TarNames = { files: new Map(), links: new Map() };
  const parsed = extract();
  const feeding = pipeline(
    createReadStream(file, { highWaterMark: 1 << 20, signal }),
    parsed as unknown as NodeJS.WritableStream,
  );
  feeding.catch(() => undefined);
  try {
    for await (const entry of parsed) {
      // tar-stream tells where the entry's own header is; its content follows that one block.
      note(names, entry.header, entry.offset + 512, fail);
      entry.resume();
    }
    await feeding;
    return names;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DepotError) {
      throw error;
    }
    throw fail(
      errnoOf(error) === undefined
        ? 'it is not a tar archive, is damaged or was cut off'
        : `it cannot be read: ${fileProblem(error)}`,
      error,
    );
  }
};

const note = (
  { files, links }: TarNames,
  { name: given, type, size, linkname }: Header,
  offset: number,
  fail: Fail,
): void => {
  const name = path.posix.normalize(given);
  if (files.has(name) || links.has(name)) {
    throw fail(`the name ${shown(name)} is there twice`);
  }
  if (files.size + links.size >= maxEntries) {
    throw fail(`it has more than ${maxEntries} entries; an image has a few dozen`);
  }
  // Folders and what else there may be mean nothing in an image archive.
  if (type === 'file') {
    files.set(name, { offset, size });
  } else if (type === 'symlink') {
    links.set(name, path.posix.join(path.posix.dirname(name), linkname));
  } else if (type === 'link') {
    links.set(name, path.posix.normalize(linkname));
  }
};

const lookUp = ({ files, links }: TarNames, wanted: string): TarPlace | undefined => {
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

const shown = (name: string): string => JSON.stringify(name.slice(0, 120));

async function* readRange(file: string, { offset, size }: TarPlace, fail: Fail): AsyncGenerator<Uint8Array> {
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

const refuseCompressed = async (file: string, fail: Fail): Promise<void> => {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const head = Buffer.alloc(headBytes);
    await handle.read(head, 0, headBytes, 0);
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
