import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { compareBytes } from '../archive/byte-order.ts';
import { fileProblem } from '../archive/file-problem.ts';
import { isSnapshotId } from '../depot/snapshot-id.ts';
import { DepotError } from '../domain/errors.ts';
import { isThere } from '../files/place.ts';
import { isPassedOver } from '../source/root-folder.ts';

/** One file that goes into the image. */
export interface ContentFile {
  /** Below the content folder, with `/`. */
  readonly path: string;
  /** Where it is on disk. */
  readonly place: string;
  readonly size: number;
}

/**
 * The files of a folder of packages, in the order of their names' bytes. Hidden ones (a half-finished download, a lock) and
 * `lost+found` are left out. Throws IMAGE_CONTENT_INVALID for links, devices and an empty folder.
 */
export const listContent = async (root: string): Promise<readonly ContentFile[]> => {
  const found: ContentFile[] = [];
  const walk = async (relative: string): Promise<void> => {
    const items = await attempt(path.join(root, relative), () =>
      readdir(path.join(root, relative), { withFileTypes: true }),
    );
    for (const item of items) {
      const place = path.join(root, relative, item.name);
      const inside = relative === '' ? item.name : `${relative}/${item.name}`;
      if (isPassedOver(item.name)) {
        continue;
      }
      if (item.isDirectory()) {
        await walk(inside);
      } else if (item.isFile()) {
        found.push({ path: inside, place, size: (await attempt(place, () => lstat(place))).size });
      } else {
        throw invalid(place, 'it is neither a file nor a folder; only those go into an image');
      }
    }
  };
  await walk('');
  if (found.length === 0) {
    throw invalid(root, 'it has no files: there is nothing to put into the image');
  }
  return found.toSorted((a, b) => compareBytes(a.path, b.path));
};

/**
 * Where the packages of a folder lie: of a depot, which is known by its depot.json, in its current snapshot. Its `current` has
 * to lead to one of its own. Throws IMAGE_CONTENT_INVALID.
 */
export const contentRoot = async (folder: string): Promise<string> => {
  const root = await attempt(folder, () => realpath(folder));
  if (!(await isThere(path.join(root, 'depot.json')))) {
    return root;
  }
  const current = path.join(root, 'current');
  const snapshot = await attempt(current, () => realpath(current));
  if (path.dirname(snapshot) !== path.join(root, 'snapshots') || !isSnapshotId(path.basename(snapshot))) {
    throw invalid(current, `it leads to ${snapshot}, which is no snapshot of this depot`);
  }
  return snapshot;
};

const attempt = async <T>(place: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw new DepotError('IMAGE_CONTENT_INVALID', { path: place, reason: fileProblem(error) }, error);
  }
};

const invalid = (place: string, reason: string): DepotError =>
  new DepotError('IMAGE_CONTENT_INVALID', { path: place, reason });
