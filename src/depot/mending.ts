import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { digestFile } from '../files/digest.ts';
import { makeFolder } from '../files/folder.ts';
import type { ContentStore } from './content-store.ts';
import { onDisk } from './disk-error.ts';
import type { SnapshotFile } from './file-list.ts';
import { checkFolder } from './folder-check.ts';
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
  const deviations = await checkFolder(folder, record.files, (place, file) =>
    digestUnlessLinked(layout, place, file),
  );
  const foreign = deviations.filter((one) => one.kind === 'foreign').map((one) => one.path);
  const left = foreign.map((name) => `${name} does not belong to it`);
  const mended: string[] = [];
  const files = new Map(record.files.map((file) => [file.path, file]));
  for (const { path: name, isFolder } of deviations) {
    const file = files.get(name);
    // Below a link in the place of a folder nothing is written: it leads elsewhere.
    if (file === undefined || foreign.some((one) => name.startsWith(`${one}/`))) {
      continue;
    }
    if (isFolder) {
      left.push(`${name} is a folder`);
      continue;
    }
    if ((await content.check(file)) !== 'whole') {
      left.push(`${name} is missing or other, and its content isn't whole`);
      continue;
    }
    const target = path.join(folder, name);
    await onDisk(target, makeFolder(path.dirname(target), 0o755));
    await replaceFile(layout, file.sha256, target);
    mended.push(name);
  }
  return { mended, left };
};

const digestUnlessLinked = async (
  layout: DepotLayout,
  place: string,
  { sha256 }: SnapshotFile,
): Promise<string> => {
  const found = await lstat(place);
  const stored = await lstat(layout.contentFile(sha256)).catch(() => undefined);
  return found.ino === stored?.ino && found.dev === stored.dev ? sha256 : (await digestFile(place)).sha256;
};
