import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../domain/system-error.ts';
import { reasonOf } from '../files/errno.ts';
import { diskError } from './disk-error.ts';
import type { SnapshotFile } from './file-list.ts';

/** One path of a snapshot's folder that isn't as the record has it. */
export interface Deviation {
  /** Below the folder, with `/`. */
  readonly path: string;
  /** `foreign`: there and not recorded; `missing`: recorded and not there; `other`: there with other bytes, unreadable, or no plain file. */
  readonly kind: 'foreign' | 'missing' | 'other';
  /** A clause about it. */
  readonly reason: string;
  /** A folder lies in the place of a file. */
  readonly isFolder: boolean;
}

/**
 * Holds a snapshot's folder against what was recorded of it: the one form of that question. A link is never followed, wherever it
 * stands: a file that is one is `other`, what should lie below one is `missing`. Folders that hold nothing don't count.
 * `digestOf` says what SHA-256 a plain file has; how much it reads for that is the asker's choice. Sorted by path.
 * Throws FILE_FAILED where the folder can't be listed, and what `digestOf` throws besides errors of the file system.
 */
export const checkFolder = async (
  folder: string,
  files: readonly SnapshotFile[],
  digestOf: (place: string, file: SnapshotFile) => Promise<string>,
): Promise<Deviation[]> => {
  const entries = await entriesBelow(folder);
  const found: Deviation[] = [];
  const tell = (at: string, kind: Deviation['kind'], reason: string): void =>
    void found.push({ path: at, kind, reason, isFolder: entries.get(at) === 'folder' });
  for (const file of files) {
    const entry = entries.get(file.path);
    if (entry === undefined) {
      tell(file.path, 'missing', 'it is missing');
    } else if (entry !== 'file') {
      tell(file.path, 'other', `it is ${entry === 'folder' ? 'a folder' : 'no plain file'}`);
    } else {
      const reason = await deviationOf(path.join(folder, file.path), file, digestOf);
      if (reason !== undefined) {
        tell(file.path, 'other', reason);
      }
    }
  }
  const recorded = new Set(files.map((file) => file.path));
  for (const [at, entry] of entries) {
    if (entry !== 'folder' && !recorded.has(at)) {
      tell(at, 'foreign', 'it does not belong to the snapshot');
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
};

const deviationOf = async (
  place: string,
  file: SnapshotFile,
  digestOf: (place: string, file: SnapshotFile) => Promise<string>,
): Promise<string | undefined> => {
  try {
    const sha256 = await digestOf(place, file);
    return sha256 === file.sha256 ? undefined : `its SHA-256 is ${sha256} instead of ${file.sha256}`;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) {
      throw error;
    }
    return code === 'ENOENT' ? 'it is missing' : `it can't be read: ${reasonOf(error)}`;
  }
};

type Entry = 'file' | 'folder' | 'odd';

const entriesBelow = async (folder: string): Promise<Map<string, Entry>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') {
      return [];
    }
    throw diskError(folder, error);
  });
  return new Map(
    entries.map((entry): [string, Entry] => [
      path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'),
      entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'odd',
    ]),
  );
};
