import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { onDisk } from '../depot/disk-error.ts';
import { DepotError } from '../domain/errors.ts';
import { syncFolder } from '../files/folder.ts';
import { hasName, refuseSpecialFile } from '../files/place.ts';

/** Where a bundle goes. */
export interface BundleOutput {
  /** Of its volumes, in their order. */
  readonly names: readonly string[];
  /** Files of an earlier bundle that lie under these names, or beside them as volumes of it. */
  readonly earlier: readonly string[];
}

/** The names of a bundle's volumes: just the given one, or `.001`, `.002` … behind it. */
export const volumeNames = (output: string, volumes: number, isDivided: boolean): readonly string[] =>
  Array.from({ length: volumes }, (_, at) =>
    isDivided ? `${output}.${String(at + 1).padStart(3, '0')}` : output,
  );

/**
 * Sees that a bundle can get its names. Throws FILE_FAILED for a device or a pipe, BUNDLE_UNFIT for a folder and, unless `replace`,
 * for what is there already.
 */
export const prepareOutput = async (
  output: string,
  names: readonly string[],
  replace: boolean,
): Promise<BundleOutput> => {
  for (const name of names) {
    await refuseSpecialFile(
      name,
      'a bundle is written to a plain file, which is whole before it gets its name',
    );
  }
  const earlier = await earlierFiles(output, names);
  await Promise.all(earlier.map(refuseFolder));
  if (!replace) {
    refuseExisting(earlier, names);
  }
  return { names, earlier };
};

/** Gives whole, synced files the names of the volumes, and removes what is left of an earlier bundle. Throws the file system's own error. */
export const publish = async (
  { names, earlier }: BundleOutput,
  temporaries: readonly string[],
): Promise<void> => {
  for (const [at, name] of names.entries()) {
    await rename(temporaries[at] ?? '', name);
  }
  const made = new Set(names.map((name) => path.resolve(name)));
  for (const old of earlier.filter((one) => !made.has(path.resolve(one)))) {
    await rm(old, { force: true });
  }
  await syncFolder(path.dirname(path.resolve(names[0] ?? '')));
};

/** What lies under the output's name: bundles or volumes. On a file system that ignores case it may be written otherwise. */
const earlierFiles = async (output: string, names: readonly string[]): Promise<string[]> => {
  const [folder, name] = [path.dirname(output), path.basename(output)];
  const found = await onDisk(folder, readdir(folder));
  const isVolume = (one: string): boolean =>
    one.startsWith(`${name}.`) && /^\d{3,4}$/.test(one.slice(name.length + 1));
  const listed = found.filter((one) => one === name || isVolume(one)).map((one) => path.join(folder, one));
  const there = await Promise.all(names.map(hasName));
  return [...new Set([...listed, ...names.filter((_, at) => there[at]).map((one) => path.join(one))])];
};

const refuseFolder = async (file: string): Promise<void> => {
  if ((await stat(file).catch(() => undefined))?.isDirectory() === true) {
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `${file} is a folder; name a file in it, or another name`,
    });
  }
};

const refuseExisting = (existing: readonly string[], names: readonly string[]): void => {
  const [first] = existing;
  if (first !== undefined) {
    const reason = names.some((name) => path.resolve(name) === path.resolve(first))
      ? `${first} exists already`
      : `${first} of an earlier bundle would lie beside this one`;
    throw new DepotError('BUNDLE_UNFIT', { reason: `${reason}; name another file or say --replace` });
  }
};
