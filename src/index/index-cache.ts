import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DepotError, messageOf } from '../domain/errors.ts';
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
  /** Writes to a temporary name, syncs and renames. A fault is one warning and false; the server goes on without. */
  save(known: KnownPackages): Promise<boolean>;
  /** Removes the file. True where there was one. Throws INDEX_UNWRITABLE. */
  clear(): Promise<boolean>;
}

/** `folder` is made when it is missing. Different package paths and rules have different files in it. */
export function createIndexCache(folder: string, origin: IndexOrigin, log: Log): IndexCache {
  const name = createHash('sha256').update(origin.rules).digest('hex').slice(0, 16);
  const file = join(folder, `index-${name}.fleet`);
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
      const temporary = `${file}.${process.pid}-${randomUUID().slice(0, 8)}.part`;
      try {
        await makeFolder(folder);
        await removeLeftovers(folder, name);
        await writeSynced(temporary, await encodeIndex(known, origin));
        await rename(temporary, file);
        // Some shares can't: then a power cut may bring the file before back, which is as good.
        await syncFolder(folder).catch(() => undefined);
        return true;
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        warn('written', messageOf(error));
        return false;
      }
    },
    clear: async () => {
      try {
        await rm(file);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return false;
        }
        throw new DepotError('INDEX_UNWRITABLE', { path: file, reason: messageOf(error) }, error);
      }
    },
  };
}

/** Node's own recursive way never ends where a file system answers ENOENT to making a folder, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || (await isFolder(folder))) {
      return;
    }
    if (code !== 'ENOENT' || (await isFolder(dirname(folder)))) {
      throw error;
    }
    await makeFolder(dirname(folder));
    await makeFolder(folder);
  }
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true;

const pieceBytes = 1 << 20;

/** Small parts are written together; between two writes other work gets its turn. */
async function writeSynced(path: string, parts: readonly Buffer[]): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    let piece: Buffer[] = [];
    let length = 0;
    for (const part of parts) {
      piece.push(part);
      length += part.length;
      if (length >= pieceBytes) {
        await handle.writeFile(Buffer.concat(piece));
        [piece, length] = [[], 0];
      }
    }
    if (length > 0) {
      await handle.writeFile(Buffer.concat(piece));
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const leftoverAge = 3_600_000;

/** What a killed server left half-written; a younger one may be another server's that writes now. */
async function removeLeftovers(folder: string, name: string): Promise<void> {
  for (const item of await readdir(folder)) {
    if (item.startsWith(`index-${name}.`) && item.endsWith('.part')) {
      const path = join(folder, item);
      const stats = await stat(path).catch(() => undefined);
      if (stats && Date.now() - stats.mtimeMs > leftoverAge) {
        await rm(path, { force: true });
      }
    }
  }
}
