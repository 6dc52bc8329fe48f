import { constants, type Stats } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { fileFault } from './file-fault.ts';

/** Whether something has that path. What can't be told is taken for there, so that who opens it gets the real error. */
export const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR',
  );

/** What a path leads to; undefined where nothing is there (any more). Throws the errors of `fileFault`. */
export const statOf = (file: string): Promise<Stats | undefined> =>
  stat(file).catch((error: unknown) => {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return undefined;
    }
    throw fileFault(error, file);
  });

/** Whether a name is taken, be it by a symlink that leads nowhere. */
export const hasName = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/**
 * Refuses a device, a pipe or a socket: a file that is renamed over `/dev/null` would take its place for the whole machine, and
 * a pipe can be read but once. What isn't there, and a folder, are left to who opens it. `what` says what is needed. Throws FILE_FAILED.
 */
export const refuseSpecialFile = async (file: string, what: string): Promise<void> => {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !found.isFile() && !found.isDirectory()) {
    throw new DepotError('FILE_FAILED', { file, reason: `it is a device or a pipe; ${what}` });
  }
};

/** Refuses a folder that nobody may write into, before hours are spent on what goes there. Throws FILE_FAILED. */
export const refuseUnwritable = async (folder: string): Promise<void> => {
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw fileFault(error, folder);
  });
};
