import { basename, relative } from 'node:path';

/** One archive as a lock file promises it. */
export interface LockedArchive {
  /** Path below the lock file's folder, with `/`. */
  readonly file: string;
  /** Hex, lower case. */
  readonly sha256: string;
  readonly size?: number;
  /** Fingerprint of the primary key that signed it when it came, or after it was changed. */
  readonly signer?: string;
  /** What it was when it came, where it was changed and signed anew. */
  readonly original?: {
    readonly sha256: string;
    readonly signer?: string;
    readonly signature?: { readonly sha256: string };
  };
}

/** A lock file that was read. */
export interface ReadLock {
  /** The folder that its files are in. */
  readonly folder: string;
  readonly archives: readonly LockedArchive[];
}

/** Why what no lock file names is bad. */
export const unlistedReason =
  'it is not in the lock file: no longer wanted (`sync --prune` removes it), or put there by another way';

/** What a lock file says of an archive; undefined where it doesn't name it. */
export const lockedEntry = (path: string, lock: ReadLock): LockedArchive | undefined => {
  const name = lockedName(path, lock);
  return lock.archives.find(({ file }) => file === name);
};

/** What a lock file names and isn't among these archives. */
export const absentEntries = (archives: readonly string[], lock: ReadLock): readonly LockedArchive[] => {
  const present = new Set(archives.map((path) => lockedName(path, lock)));
  return lock.archives.filter(({ file }) => !present.has(file));
};

const lockedName = (path: string, lock: ReadLock): string => {
  const name = relative(lock.folder, path).replaceAll('\\', '/');
  return name === '' ? basename(path) : name;
};
