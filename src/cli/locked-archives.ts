import { dirname, join } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { readLockFile } from '../mirror/record/lock-file.ts';
import type { ReadLock } from '../signing/locked-archive.ts';

/** Reads a folder's lock file for `verify`. Throws LOCK_INVALID. */
export const readLockedArchives = async (path: string): Promise<ReadLock> => {
  const lock = await readLockFile(path);
  if (!lock) {
    throw new DepotError('LOCK_INVALID', { file: path, reason: 'there is none' });
  }
  const archives = lock.packages.map(({ name, version, sha256, size, signer, original }) => ({
    file: `${name}-${version}.zip`,
    sha256,
    size,
    ...(signer === undefined ? {} : { signer }),
    ...(original === undefined ? {} : { original }),
  }));
  return { folder: dirname(path), archives };
};

/**
 * SHA-256 of what a folder's `distribution.lock` names, archives and artifacts, by path; signatures may be others by now
 * (`sign --resign`). Undefined where there is none. Throws LOCK_INVALID.
 */
export const lockedDigests = async (folder: string): Promise<ReadonlyMap<string, string> | undefined> => {
  const lock = await readLockFile(join(folder, 'distribution.lock'));
  return (
    lock &&
    new Map([
      ...lock.packages.map(({ name, version, sha256 }) => [`${name}-${version}.zip`, sha256] as const),
      ...(lock.files ?? []).map((file) => [file.path, file.sha256] as const),
    ])
  );
};
