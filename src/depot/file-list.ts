import { DepotError } from '../domain/errors.ts';
import { digestOf, isDigest } from '../files/digest.ts';
import { entryPath, refuseClashes } from './entry-path.ts';

/** One file of a snapshot: its path below the snapshot's folder, and what its content is. */
export interface SnapshotFile {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** Orders paths by their characters' codes, the same on every machine and in every language. */
export const byPath = (a: { readonly path: string }, b: { readonly path: string }): number =>
  a.path < b.path ? -1 : a.path > b.path ? 1 : 0;

/**
 * One digest for a whole set of files, whatever order they come in: SHA-256 over the lines `sha256 size path`, sorted by path.
 */
export const digestOfFiles = (files: readonly SnapshotFile[]): string =>
  digestOf(
    [...files]
      .toSorted(byPath)
      .map((file) => `${file.sha256} ${file.size} ${file.path}\n`)
      .join(''),
  );

/** Reads one file of a list out of parsed JSON. Throws what `fail` makes of the reason. */
export const readSnapshotFile = (value: unknown, fail: (reason: string) => DepotError): SnapshotFile => {
  if (typeof value !== 'object' || value === null) {
    throw fail('an entry of the file list is not an object');
  }
  const { path, sha256, size } = value as Record<string, unknown>;
  if (typeof path !== 'string') {
    throw fail('an entry of the file list has no path');
  }
  naming(fail, () => entryPath(path));
  if (typeof sha256 !== 'string' || !isDigest(sha256)) {
    throw fail(`${path} has no SHA-256 digest`);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw fail(`${path} has no size`);
  }
  return { path, sha256, size };
};

/** Checks what holds for a list as a whole: order, no clashing paths, one size for one digest. Throws what `fail` makes of the reason. */
export const checkFileList = (files: readonly SnapshotFile[], fail: (reason: string) => DepotError): void => {
  naming(fail, () => refuseClashes(files.map((file) => file.path)));
  const sizes = new Map<string, number>();
  let previous = '';
  for (const file of files) {
    if (file.path <= previous) {
      throw fail(`the file list is not in order at ${file.path}`);
    }
    previous = file.path;
    if ((sizes.get(file.sha256) ?? file.size) !== file.size) {
      throw fail(`${file.path} has two sizes for one digest`);
    }
    sizes.set(file.sha256, file.size);
  }
};

/** A path that isn't allowed is the fault of the list that has it: the error has to name the list, since nobody can rename the file. */
const naming = (fail: (reason: string) => DepotError, check: () => unknown): void => {
  try {
    check();
  } catch (error) {
    throw error instanceof DepotError && error.code === 'PATH_INVALID' ? fail(error.message) : error;
  }
};

/** What lies between two sets of files. */
export interface Difference {
  readonly added: readonly SnapshotFile[];
  readonly removed: readonly SnapshotFile[];
  /** The same path with other content: as it is after. */
  readonly changed: readonly SnapshotFile[];
  readonly kept: readonly SnapshotFile[];
}

/** Compares two sets of files by path and digest. */
export const differenceOf = (before: readonly SnapshotFile[], after: readonly SnapshotFile[]): Difference => {
  const old = new Map(before.map((file) => [file.path, file]));
  const now = new Set(after.map((file) => file.path));
  return {
    added: after.filter((file) => !old.has(file.path)),
    removed: before.filter((file) => !now.has(file.path)),
    changed: after.filter((file) => old.has(file.path) && old.get(file.path)?.sha256 !== file.sha256),
    kept: after.filter((file) => old.get(file.path)?.sha256 === file.sha256),
  };
};

/** Bytes of files, each content counted once. */
export const bytesOf = (files: readonly SnapshotFile[]): number => {
  const sizes = new Map(files.map((file) => [file.sha256, file.size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
};
