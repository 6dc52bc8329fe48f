import { realpath } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import { join } from 'node:path';
import { quoteName } from '../archive/entry-names.ts';
import { unreadable } from '../archive/file-problem.ts';
import { tooLarge } from '../archive/limits.ts';
import { openRandomFile } from '../archive/random-file.ts';
import { DepotError } from '../domain/errors.ts';
import { isInside, walkPackageFolder } from './package-folder.ts';
import type { ArchiveLimits, PackageFiles } from './source.ts';

/** Opens a package's folder; `blocking` reads with the thread itself. Throws what walkPackageFolder throws. A read gives what the file has at that moment. */
export const openFolderPackage = async (
  root: string,
  limits: ArchiveLimits,
  { blocking = !isMainThread }: { readonly blocking?: boolean } = {},
): Promise<PackageFiles> => {
  const folder = await walkPackageFolder(root, limits);
  const paths = new Set(folder.entries.map((entry) => entry.path));
  let isOpen = true;
  return {
    topFolder: undefined,
    count: folder.entries.length,
    entries: folder.entries,
    folders: folder.folders,
    has: (path) => paths.has(path),
    read: async (path) => {
      if (!paths.has(path)) {
        throw new DepotError('RESOURCE_UNKNOWN');
      }
      if (!isOpen) {
        throw new DepotError('FILE_UNREADABLE', {
          reason: 'the package folder was closed before it was read',
        });
      }
      return readInside(root, path, limits, blocking);
    },
    readDeflated: () => Promise.resolve(undefined),
    close: () => {
      isOpen = false;
      return Promise.resolve();
    },
  };
};

/** Asks again where the path really leads: the folder may have been changed since it was walked. */
const readInside = async (
  root: string,
  path: string,
  limits: ArchiveLimits,
  blocking: boolean,
): Promise<Buffer> => {
  const what = quoteName(path);
  let real: string;
  try {
    real = await realpath(join(root, path));
    if (!isInside(real, await realpath(root))) {
      throw new DepotError('FOLDER_INVALID', {
        reason: `${what} is a symlink that leads out of the package`,
      });
    }
  } catch (error) {
    throw unreadable(what, error, { path: join(root, path) });
  }
  const file = await openRandomFile(real, what, blocking);
  try {
    if (file.size > limits.maxEntryBytes) {
      throw tooLarge(`the size of ${what}`, file.size, limits.maxEntryBytes);
    }
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
};
