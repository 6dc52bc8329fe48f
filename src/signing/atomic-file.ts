import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../domain/errors.ts';

/** How a file is written. */
export interface AtomicWrite {
  readonly mode: number;
  /** Fail with EEXIST where the file is there already; otherwise it is replaced. */
  readonly exclusive?: boolean;
}

/**
 * Writes a whole file or nothing: a temporary file in the same folder, synced, then renamed (or linked, where an
 * existing file must stay). Throws the file system's own error.
 */
export const writeAtomically = async (
  path: string,
  content: string | Uint8Array,
  how: AtomicWrite,
): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', how.mode);
  try {
    await handle.chmod(how.mode);
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    if (how.exclusive === true) {
      await takeName(temporary, path);
    } else {
      await rename(temporary, path);
    }
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
};

/** Milliseconds that a temporary file may be in use, on a slow disk too. */
const longestUse = 60_000;

/** Deletes what writers that were killed have left of files in this folder whose name `isOurs`. What can't be deleted stays. */
export const sweepTemporaries = async (folder: string, isOurs: (name: string) => boolean): Promise<void> => {
  for (const name of await readdir(folder).catch(() => [])) {
    const written = /^(.+)\.[0-9a-f]{12}\.tmp$/.exec(name)?.[1];
    if (written !== undefined && isOurs(written)) {
      const file = join(folder, name);
      const stats = await lstat(file).catch(() => undefined);
      if (stats?.isFile() && Date.now() - stats.mtimeMs > longestUse) {
        await unlink(file).catch(() => undefined);
      }
    }
  }
};

/** Removes what runs that were killed left of signatures in folders. */
export const sweepSignatures = async (folders: Iterable<string>): Promise<void> => {
  for (const folder of folders) {
    await sweepTemporaries(folder, (name) => /\.sig(?:\.orig)?$/.test(name));
  }
};

/** Why a file could not be written, in words for people. */
export const writeProblem = (error: unknown): string => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? 'the disk is full: make room, and run the same again'
    : messageOf(error);
};

/** Makes a folder, of that mode whatever the umask, and those above it. One that is there stays as it is. */
export const makeFolder = async (path: string, mode: number): Promise<void> => {
  if ((await mkdir(path, { recursive: true })) !== undefined) {
    await chmod(path, mode);
  }
};

// A rename is only durable once the folder is on disk. Some file systems can't sync a folder: the file is still whole.
const syncFolder = async (path: string): Promise<void> => {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    return;
  }
};

// A hard link fails where the name is taken, which a rename doesn't. Where there are no hard links (vfat, some network
// shares) the name is asked for first: two runs in the very same moment could then both take it.
const takeName = async (temporary: string, path: string): Promise<void> => {
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || (await isThere(path))) {
      throw Object.assign(new Error(`${path} is there already`, { cause: error }), { code: 'EEXIST' });
    }
    await rename(temporary, path);
    return;
  }
  await unlink(temporary);
};

const isThere = async (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
