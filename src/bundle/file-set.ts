import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Depot } from '../depot/depot.ts';
import { onDisk } from '../depot/disk-error.ts';
import { entryPath, refuseClashes } from '../depot/entry-path.ts';
import { byPath, type SnapshotFile } from '../depot/file-list.ts';
import { refuseUnvouched } from '../depot/vouching.ts';
import { DepotError } from '../domain/errors.ts';
import { digestFile } from '../files/digest.ts';
import type { SnapshotReference } from './manifest.ts';

/** A file on disk that goes into a bundle. */
export interface BundledFile extends SnapshotFile {
  readonly location: string;
}

/** What a bundle is made of. */
export interface FileSet {
  readonly source?: SnapshotReference;
  /** Sorted by path. */
  readonly files: readonly BundledFile[];
  /** Left out on purpose: hidden files, half downloads. */
  readonly skipped: readonly string[];
}

const halfFile = /\.(part|partial|tmp)$/;
const atOnce = 4;

/**
 * Every file of a folder with its digest. Hidden files and half downloads are left out and named in `skipped`; a name that
 * breaks the rule for paths or a link to a folder is an error, because leaving it out unseen would be worse.
 * Throws PATH_INVALID, BUNDLE_UNFIT, FILE_FAILED.
 */
export const collectFolder = async (
  folder: string,
  progress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<FileSet> => {
  const { found, skipped } = await filesBelow(folder);
  refuseClashes(found.map((file) => file.path));
  const files: BundledFile[] = [];
  let bytes = 0;
  for (let start = 0; start < found.length; start += atOnce) {
    const hashed = await Promise.all(
      found.slice(start, start + atOnce).map(async ({ path: name, location }) => {
        const { sha256, size } = await onDisk(location, digestFile(location, signal));
        progress((bytes += size));
        return { path: name, location, sha256, size };
      }),
    );
    files.push(...hashed);
  }
  if (files.length === 0) {
    throw new DepotError('BUNDLE_UNFIT', { reason: `${folder} has no file for a bundle` });
  }
  return { files, skipped: skipped.toSorted() };
};

interface FoundFile {
  readonly path: string;
  readonly location: string;
}

/** Sorted by path. */
const filesBelow = async (
  folder: string,
): Promise<{ readonly found: readonly FoundFile[]; readonly skipped: readonly string[] }> => {
  const found: FoundFile[] = [];
  const skipped: string[] = [];
  const walk = async (below: string): Promise<void> => {
    const inside = path.join(folder, below);
    for (const entry of await onDisk(inside, readdir(inside, { withFileTypes: true }))) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      const location = path.join(folder, name);
      if (entry.name.startsWith('.') || halfFile.test(entry.name)) {
        skipped.push(name);
      } else if (entry.isDirectory()) {
        await walk(name);
      } else if ((await onDisk(location, stat(location))).isFile()) {
        found.push({ path: entryPath(name), location });
      } else {
        throw new DepotError('BUNDLE_UNFIT', { reason: `${location} is neither a file nor a folder` });
      }
    }
  };
  await walk('');
  return { found: found.toSorted(byPath), skipped };
};

/**
 * The files of one snapshot of a depot; their digests are known and are checked again as they are read. Throws JOURNAL_BROKEN, and
 * DEPOT_DAMAGED where the journal doesn't vouch for the record: a bundle's signature would.
 */
export const collectSnapshot = async (depot: Depot, snapshot: string): Promise<FileSet> => {
  const record = await depot.snapshots.record(snapshot);
  await refuseUnvouched(depot.layout, record);
  const { files } = record;
  return {
    source: { depot: depot.id, snapshot },
    files: files.map((file) => ({ ...file, location: depot.layout.contentFile(file.sha256) })),
    skipped: [],
  };
};
