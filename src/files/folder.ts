import { chmod, mkdir, open, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../domain/system-error.ts';
import { isUnsupported } from './errno.ts';
import { fileFault } from './file-fault.ts';

/**
 * Makes a folder and those above it, where they are not there, and returns those that it made, the outermost first; they get
 * `mode`, whatever the umask. Not by Node's recursive mkdir, which says "no such folder" on a full disk and on a read-only file system,
 * and never ends where a file system refuses new names with ENOENT, as /proc does. Throws the file system's own error, EEXIST where
 * something else has the name.
 */
export const makeFolder = async (folder: string, mode?: number): Promise<readonly string[]> => {
  if (await isFolder(folder)) {
    return [];
  }
  const above = await makeAbove(folder, mode);
  try {
    await mkdir(folder);
  } catch (error) {
    if (await isFolder(folder)) {
      return above;
    }
    throw error;
  }
  if (mode !== undefined) {
    await chmod(folder, mode).catch(withoutModes);
  }
  return [...above, folder];
};

/** Passes over a mode that a file system refuses because it keeps none: then all that lies there has one and the same. */
export const withoutModes = (error: unknown): void => {
  if (!isUnsupported(error)) {
    throw error;
  }
};

/** The same, with the errors of `fileFault`: they name the folder that can't be made. */
export const ensureFolder = async (folder: string): Promise<readonly string[]> => {
  try {
    return await makeFolder(folder);
  } catch (error) {
    throw fileFault(error, (error as NodeJS.ErrnoException).path ?? folder);
  }
};

const makeAbove = (folder: string, mode: number | undefined): Promise<readonly string[]> =>
  dirname(folder) === folder ? Promise.resolve([]) : makeFolder(dirname(folder), mode);

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Takes folders away that nothing came into, the last first. */
export const dropEmpty = async (folders: readonly string[]): Promise<void> => {
  for (const folder of folders.toReversed()) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
};

/** What file systems say that can't sync a folder, or don't let it be opened: they have no stronger promise to give. */
const cannotSync = (error: unknown): boolean =>
  isUnsupported(error) || ['EINVAL', 'EACCES'].includes(errnoOf(error) ?? '');

/** Waits until a folder's own entries (new names, renames) are on the disk. Does nothing where folders can't be synced. */
export const syncFolder = async (folder: string): Promise<void> => {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!cannotSync(error)) {
      throw error;
    }
  }
};
