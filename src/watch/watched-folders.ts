import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** What is to be watched. */
export interface WatchedFolder {
  /** Tells whether it is still the same folder: one that was replaced is watched anew. */
  readonly identity: string;
  /** The only names of interest in it; undefined for all. */
  readonly names: ReadonlySet<string> | undefined;
}

const maxFolders = 4096;
const maxDepth = 3;
const maxLinks = 40;

/**
 * Finds the folders whose changes matter: the package paths as they really are (behind symlinks) with the folders close
 * below, and every folder that holds a symlink on the way, or the place where a missing one will be. `watch` is called
 * for each folder before it is listed, so that nothing happens unseen in between.
 */
export async function findWatchedFolders(
  paths: readonly string[],
  watch: (path: string, folder: WatchedFolder) => void,
): Promise<ReadonlySet<string>> {
  const inside = new Set<string>();
  const walk = async (path: string, depth: number): Promise<void> => {
    const identity = await identityOf(path);
    if (identity === undefined || inside.has(path) || inside.size >= maxFolders) {
      return;
    }
    inside.add(path);
    watch(path, { identity, names: undefined });
    if (depth === maxDepth) {
      return;
    }
    for (const item of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const place = join(path, item.name);
      // The second is root's alone, in the root of every ext4 volume.
      if (item.name.startsWith('.') || item.name === 'lost+found') {
        continue;
      }
      if (item.isDirectory()) {
        await walk(place, depth + 1);
      } else if (item.isSymbolicLink() && !/\.zip(?:\.sig)?$/.test(item.name)) {
        await walk(await realpath(place).catch(() => ''), depth + 1);
      }
    }
  };
  const signposts = new Map<string, Set<string>>();
  for (const path of paths) {
    await findSignposts(path, signposts, maxLinks);
    await walk(await realpath(path).catch(() => ''), 0);
  }
  const all = new Set(inside);
  for (const [path, names] of signposts) {
    const identity = inside.has(path) ? undefined : await identityOf(path);
    if (identity !== undefined) {
      all.add(path);
      watch(path, { identity, names });
    }
  }
  return all;
}

/** Undefined for what is no folder, or can't be asked. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isDirectory() ? `${stats.dev}-${stats.ino}-${stats.birthtimeNs}` : undefined;
  } catch {
    return undefined;
  }
}

/** The folders, with the names in them, that decide what a path is: those of its symlinks, and its own. */
async function findSignposts(path: string, found: Map<string, Set<string>>, links: number): Promise<void> {
  const add = (place: string): void => {
    const names = found.get(dirname(place)) ?? new Set();
    names.add(basename(place));
    found.set(dirname(place), names);
  };
  let at = '/';
  for (const part of path.split('/').filter((one) => one !== '')) {
    const place = join(at, part);
    const stats = await lstat(place).catch(() => undefined);
    if (!stats) {
      add(place);
      return;
    }
    if (stats.isSymbolicLink()) {
      add(place);
      const target = await readlink(place).catch(() => undefined);
      if (target === undefined || links === 0) {
        return;
      }
      const rest = path.slice(place.length);
      await findSignposts(`${resolve(at, target)}${rest}`, found, links - 1);
      return;
    }
    at = place;
  }
  if (path !== '/') {
    add(path);
  }
}
