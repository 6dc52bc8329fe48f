import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ContentStore } from './content-store.ts';
import { digestFile } from './digest.ts';
import { diskError, errnoOf, makeFolder } from './durable-file.ts';
import type { SnapshotFile } from './file-list.ts';
import type { DepotLayout } from './layout.ts';
import type { SnapshotRecord } from './record.ts';
import { replaceFile } from './snapshot-folder.ts';

/** What became of a snapshot's folder that was held against its record. Paths are below the folder. */
export interface Mending {
  /** Files that were missing or other, and are the stored content again. */
  readonly mended: readonly string[];
  /** What could not be put right, as clauses: foreign files, which a person may want to keep, and files without a whole content. */
  readonly left: readonly string[];
}

/**
 * Sees that a snapshot's folder has just what its record says, and puts in what isn't so from the stored contents. A file
 * that is the content itself, by a hard link, isn't read; a copy is. Needs the depot's lock. Throws DEPOT_FULL or FILE_FAILED.
 */
export const mendFolder = async (
  layout: DepotLayout,
  content: ContentStore,
  record: SnapshotRecord,
): Promise<Mending> => {
  const folder = layout.snapshotFolder(record.id);
  const mended: string[] = [];
  const foreign = await foreignIn(folder, record.files);
  const left = foreign.map((name) => `${name} does not belong to it`);
  for (const file of record.files) {
    const target = path.join(folder, file.path);
    // Below a link in the place of a folder nothing is looked at, let alone written: it leads elsewhere.
    if (foreign.some((name) => file.path.startsWith(`${name}/`)) || (await isRight(layout, file, target))) {
      continue;
    }
    if (await isFolder(target)) {
      left.push(`${file.path} is a folder`);
      continue;
    }
    if ((await content.check(file)) !== 'whole') {
      left.push(`${file.path} is missing or other, and its content isn't whole`);
      continue;
    }
    await makeFolder(path.dirname(target)).catch((error: unknown) => {
      throw diskError(target, error);
    });
    await replaceFile(layout, file.sha256, target);
    mended.push(file.path);
  }
  return { mended, left };
};

const isRight = async (layout: DepotLayout, file: SnapshotFile, target: string): Promise<boolean> => {
  const look = (one: string): Promise<Stats | undefined> =>
    lstat(one).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
        return undefined;
      }
      throw diskError(one, error);
    });
  const [found, stored] = [await look(target), await look(layout.contentFile(file.sha256))];
  if (found === undefined || !found.isFile() || found.size !== file.size) {
    return false;
  }
  return (
    (found.ino === stored?.ino && found.dev === stored.dev) ||
    (await digestFile(target)).sha256 === file.sha256
  );
};

const isFolder = async (target: string): Promise<boolean> =>
  lstat(target).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Paths below a snapshot's folder that are none of its files, sorted; folders don't count. Throws FILE_FAILED. */
export const foreignIn = async (folder: string, files: readonly SnapshotFile[]): Promise<string[]> => {
  const known = new Set(files.map((file) => file.path));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') {
      return [];
    }
    throw diskError(folder, error);
  });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((name) => !known.has(name))
    .toSorted();
};
