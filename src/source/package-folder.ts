import { createHash } from 'node:crypto';
import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
import type { BigIntStats, Dirent } from 'node:fs';
import { join, sep } from 'node:path';
import { compareBytes } from '../archive/byte-order.ts';
import { entryNameProblem, quoteName } from '../archive/entry-names.ts';
import { unreadable } from '../archive/file-problem.ts';
import { tooLarge, tooMany } from '../archive/limits.ts';
import { DepotError } from '../domain/errors.ts';
import { mapBounded } from './bounded.ts';
import { fileStamp, modifiedAt } from './served-file.ts';
import type { ArchiveLimits, PackageEntry } from './source.ts';

/** How many files of one folder are asked for their size and times at once. */
const statWidth = 16;

/** All that a package's folder holds, as one walk saw it. */
export interface PackageFolder {
  /** By depth, then by the names on the way in byte order: the order that one glob for each depth gives. */
  readonly entries: readonly PackageEntry[];
  readonly folders: readonly string[];
  /** Changes with any file's size, times, inode or name. */
  readonly stamp: string;
  /** Bytes of all files. */
  readonly size: number;
  /** Milliseconds since 1970 of the newest change of a file. */
  readonly modifiedAt: number;
}

/**
 * Walks the folder of one package. Symlinks within it are followed. Throws FOLDER_INVALID for links that lead out or in a
 * circle, for special files and for names that no archive may have, FILE_UNREADABLE, and LIMIT_EXCEEDED.
 */
export const walkPackageFolder = async (root: string, limits: ArchiveLimits): Promise<PackageFolder> => {
  const entries: PackageEntry[] = [];
  const folders: string[] = [];
  const hash = createHash('sha256');
  let size = 0;
  let newest = 0;

  const addFile = (path: string, stats: BigIntStats): void => {
    const bytes = Number(stats.size);
    size += bytes;
    newest = Math.max(newest, modifiedAt(stats));
    hash.update(`${path}\0${fileStamp(stats)}\n`);
    if (bytes > limits.maxEntryBytes) {
      throw tooLarge(`the size of ${quoteName(path)}`, bytes, limits.maxEntryBytes);
    }
    if (size > limits.maxTotalBytes) {
      throw tooLarge('the size of all files', `more than ${limits.maxTotalBytes}`, limits.maxTotalBytes);
    }
    entries.push({ path, size: bytes });
  };

  const realRoot = await attempt('the package folder', root, () => realpath(root));
  // Level by level, each folder of a level in the order of the level before.
  let level = [{ path: '', real: realRoot }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const folder of level) {
      const shown = folder.path === '' ? 'the package folder' : `the folder ${quoteName(folder.path)}`;
      const place = join(root, folder.path);
      const items = await attempt(shown, place, () => readdir(place, { withFileTypes: true }));
      items.sort((a, b) => compareBytes(a.name, b.name));
      if (entries.length + folders.length + items.length > limits.maxEntries) {
        throw tooMany('the number of files and folders', `more than ${limits.maxEntries}`, limits.maxEntries);
      }
      const described = await mapBounded(items, statWidth, (item) => describe(root, realRoot, folder, item));
      for (const { path, stats, real } of described) {
        if (stats.isDirectory()) {
          folders.push(path);
          next.push({ path, real });
        } else {
          addFile(path, stats);
        }
      }
    }
    level = next;
  }
  return { entries, folders, stamp: hash.digest('base64url').slice(0, 32), size, modifiedAt: newest };
};

interface Described {
  readonly path: string;
  readonly real: string;
  readonly stats: BigIntStats;
}

const describe = async (
  root: string,
  realRoot: string,
  folder: { readonly path: string; readonly real: string },
  item: Dirent,
): Promise<Described> => {
  const path = folder.path === '' ? item.name : `${folder.path}/${item.name}`;
  const refuse = (reason: string): DepotError =>
    new DepotError('FOLDER_INVALID', { reason: `${quoteName(path)} ${reason}` });
  // Node replaces bytes that aren't UTF-8, and the name it gives cannot be opened.
  const problem = path.includes('\ufffd') ? 'has a name that is not UTF-8' : entryNameProblem(path);
  if (problem !== undefined) {
    throw refuse(problem);
  }
  const place = join(root, path);
  return attempt(quoteName(path), place, async () => {
    const real = item.isSymbolicLink() ? await realpath(place) : join(folder.real, item.name);
    if (item.isSymbolicLink() && real !== realRoot && !isInside(real, realRoot)) {
      throw refuse('is a symlink that leads out of the package');
    }
    if (item.isSymbolicLink() && isInside(`${folder.real}${sep}x`, real)) {
      throw refuse('is a symlink that leads in a circle');
    }
    const stats = await stat(place, { bigint: true });
    if (!stats.isFile() && !stats.isDirectory()) {
      throw refuse('is neither a file nor a folder');
    }
    // Only where not everyone may read a file it is asked whether we may: that saves a call for each file.
    if (stats.isFile() && (stats.mode & 0o004n) === 0n) {
      await access(place, constants.R_OK);
    }
    return { path, real, stats };
  });
};

/** True where `path` is below `folder`; both are real paths. */
export const isInside = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

const attempt = async <T>(what: string, path: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    throw unreadable(what, error, { path });
  }
};
