import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../files/digest.ts';
import { DepotError, messageOf } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { makeFolder } from '../files/folder.ts';
import { discardLeftIn } from '../files/left-behind.ts';
import type { Log } from '../telemetry/log.ts';
import type { IndexOrigin } from './index-file.ts';
import { decodeIndex, encodeIndex } from './index-file.ts';
import type { KnownPackages } from './known-package.ts';

/** What a look at the file gave. */
export type ReadIndex =
  | { readonly known: KnownPackages; readonly problem?: never }
  /** `absent` is no fault: nothing was kept yet. */
  | { readonly known?: never; readonly problem: string; readonly kind: 'absent' | 'unreadable' | 'refused' };

/** The persisted index in its folder. Nothing of it is ever needed: whatever is wrong with it, it is made anew. */
export interface IndexCache {
  /** The file that the index is kept in. */
  readonly file: string;
  /** What was known at the last save, or why that is not to be trusted. */
  read(): Promise<ReadIndex>;
  /** The same, with a line in the log where there is nothing to trust. */
  load(): Promise<KnownPackages | undefined>;
  /** Writes to a temporary name, syncs and renames. A fault is false and one warning until it is over; the server goes on without. */
  save(known: KnownPackages): Promise<boolean>;
  /** Removes the file, and those of other versions of the program. True where there was one. Throws INDEX_UNWRITABLE. */
  clear(): Promise<boolean>;
}

/**
 * `folder` is made when it is missing. Different package paths and rules have different files in it, and so have different
 * versions of the program: who goes back to the one before finds its index as it was.
 */
export function createIndexCache(folder: string, origin: IndexOrigin, log: Log): IndexCache {
  const name = `index-${shortDigest(origin.rules)}`;
  const file = join(folder, `${name}-${shortDigest(origin.program)}.fleet`);
  let isWarned = false;
  const warn = (what: string, reason: string): void => {
    if (!isWarned) {
      isWarned = true;
      log.warn(
        { 'event.action': 'index-not-kept', 'file.path': file },
        `the index cannot be ${what} (-cache-dir, EPR_CACHE_DIR): ${reason}; each start reads anew what it lacks`,
      );
    }
  };
  const tellKept = (): void => {
    if (isWarned) {
      isWarned = false;
      log.info({ 'event.action': 'index-kept', 'file.path': file }, 'the index is kept again');
    }
  };
  const read = async (): Promise<ReadIndex> => {
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch (error) {
      const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      return { problem: messageOf(error), kind: isAbsent ? 'absent' : 'unreadable' };
    }
    try {
      return { known: decodeIndex(bytes, origin) };
    } catch (error) {
      return { problem: messageOf(error), kind: 'refused' };
    }
  };
  return {
    file,
    read,
    load: async () => {
      const result = await read();
      if (result.known) {
        return result.known;
      }
      if (result.kind === 'unreadable') {
        warn('read', result.problem);
      } else if (result.kind === 'refused') {
        log.info(
          { 'event.action': 'index-not-taken', 'file.path': file },
          `the index is made anew: ${result.problem}`,
        );
      }
      return undefined;
    },
    save: async (known) => {
      try {
        await makeFolder(folder);
        await discardLeftIn(folder);
        await writeDurably(file, inPieces(await encodeIndex(known, origin)));
        tellKept();
        // What can't be removed lies there, and does no harm.
        await removeOld(folder, name, file).catch(() => undefined);
        return true;
      } catch (error) {
        warn('written', messageOf(error));
        return false;
      }
    },
    clear: async () => {
      try {
        const files = await versionsIn(folder, name);
        await removeAll(files);
        return files.length > 0;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return false;
        }
        throw new DepotError('INDEX_UNWRITABLE', { path: file, reason: messageOf(error) }, error);
      }
    },
  };
}

const shortDigest = (text: string): string => digestOf(text).slice(0, 16);

/** How many versions of the program beside this one find their index. */
const keptVersions = 1;

/** Those that were written last stay. */
async function removeOld(folder: string, name: string, own: string): Promise<void> {
  const others = (await versionsIn(folder, name)).filter((file) => file !== own);
  const timed = await Promise.all(
    others.map(async (file) => ({ file, time: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  const oldestLast = timed.toSorted((a, b) => b.time - a.time).map(({ file }) => file);
  await removeAll(oldestLast.slice(keptVersions));
}

/** The index files of all versions for the same paths and rules; those of the first versions have no version in their name. */
async function versionsIn(folder: string, name: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((one) => one.endsWith('.fleet') && (one === `${name}.fleet` || one.startsWith(`${name}-`)))
    .map((one) => join(folder, one));
}

const removeAll = (files: readonly string[]): Promise<unknown> =>
  Promise.all(files.map((file) => rm(file, { force: true })));

const pieceBytes = 1 << 20;

/** Small parts are written together; between two writes other work gets its turn. */
function* inPieces(parts: readonly Buffer[]): Iterable<Buffer> {
  let piece: Buffer[] = [];
  let length = 0;
  for (const part of parts) {
    piece.push(part);
    length += part.length;
    if (length >= pieceBytes) {
      yield Buffer.concat(piece);
      [piece, length] = [[], 0];
    }
  }
  yield Buffer.concat(piece);
}
