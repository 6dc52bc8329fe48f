import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DepotError, messageOf } from '../domain/errors.ts';

/** The `code` of a file system error such as ENOENT, or undefined. */
export const errnoOf = (error: unknown): string | undefined => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
};

/**
 * Turns a file system error into one of ours: DEPOT_FULL for a full disk or quota, FILE_FAILED for the others.
 * A DepotError and an abort pass as they are.
 */
export const diskError = (target: string, error: unknown): unknown => {
  const code = errnoOf(error);
  if (error instanceof DepotError || code === undefined) {
    return error;
  }
  const reason = diskReason(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
    ? new DepotError(
        'DEPOT_FULL',
        { path: target, reason: code === 'EFBIG' ? `${reason}; use --volume-size` : reason },
        error,
      )
    : new DepotError('FILE_FAILED', { file: target, reason }, error);
};

/** A clause that says why the system refused to write, as in "the disk is full". */
export const diskReason = (error: unknown): string => {
  const code = errnoOf(error);
  return code === undefined ? messageOf(error) : (sentences.get(code) ?? `the system says ${code}`);
};

const sentences = new Map([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the quota is used up'],
  ['EFBIG', 'the file system allows no file of this size'],
  ['ENOENT', 'there is no such file or folder'],
  ['EACCES', 'access is denied'],
  ['EPERM', 'the operation is not permitted'],
  ['EROFS', 'the file system is read-only'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'a part of the path is not a folder'],
  ['EXDEV', 'it lies on another file system; all of a depot has to be on one'],
  ['ELOOP', 'its links lead in a circle'],
  ['ENAMETOOLONG', 'its name is too long'],
  ['EIO', 'the disk reports an input/output error'],
]);

/** Waits until a folder's own entries (new names, renames) are on the disk. Does nothing where folders can't be synced. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse to sync a folder; they have no stronger promise to give.
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') {
      throw error;
    }
  } finally {
    await handle.close();
  }
};

/**
 * Makes a folder and those above it, where they are not there; those that it makes get `mode`, whatever the umask. Not `mkdir({ recursive })`: on a full disk Node reports that
 * one as ENOENT, which would send the operator looking for the wrong thing.
 */
export const makeFolder = async (folder: string, mode?: number): Promise<void> => {
  try {
    await mkdir(folder);
    if (mode !== undefined) {
      await chmod(folder, mode);
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') {
      return;
    }
    if (code !== 'ENOENT' || path.dirname(folder) === folder) {
      throw error;
    }
    await makeFolder(path.dirname(folder), mode);
    await makeFolder(folder, mode);
  }
};

/** Removes what a failed write left. Where that can't be done either, the first failure is the one to tell of. */
export const discard = (temporary: string): Promise<void> =>
  rm(temporary, { force: true }).catch(() => undefined);

/** Whether something has that path. What can't be told is taken for there, so that who opens it gets the real error. */
export const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR',
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
    throw diskError(folder, error);
  });
};

/** The beginning of a file's name, for people: all of it with what comes to it might be longer than file systems allow. */
export const shortName = (file: string): string => [...path.basename(file)].slice(0, 40).join('');

/** Replaces a small file whole: temporary name in the same folder, fsync, rename, fsync of the folder. Throws as `diskError` says. */
export const writeDurably = async (target: string, bytes: string | Uint8Array): Promise<void> => {
  const folder = path.dirname(target);
  const temporary = path.join(folder, `.${shortName(target)}.${randomBytes(6).toString('hex')}.tmp`);
  await refuseSpecialFile(target, 'name a plain file');
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await discard(temporary);
    throw diskError(target, error);
  }
};
