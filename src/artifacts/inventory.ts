import { readdir, realpath, stat } from 'node:fs/promises';
import type { BigIntStats, Dirent } from 'node:fs';
import { join, sep } from 'node:path';
import { fileProblem } from '../archive/file-problem.ts';
import { compareBytes } from '../archive/byte-order.ts';

/** A file that was found. The path is only ever a key: nothing of a request is joined to a folder. */
export interface FoundFile {
  /** Below the root, with `/`. */
  readonly path: string;
  /** Where it really lies, symlinks resolved, inside the root. */
  readonly absolute: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly stamp: string;
  /** Time of the last change of content, name or rights: where it alone changed, the content is most likely the same. */
  readonly changeStamp: string;
}

/** Something that isn't served, and why. */
export interface FolderFault {
  readonly path: string;
  readonly reason: string;
}

/** All files of a folder. */
export interface Inventory {
  readonly files: readonly FoundFile[];
  readonly faults: readonly FolderFault[];
}

const maxFiles = 100_000;

const maxDepth = 16;

/**
 * Changes whenever the content may have changed. Not with the change time: that also changes when a snapshot makes a hard
 * link to the file, and agents would be sent away while gigabytes are hashed again for nothing.
 */
export const contentStamp = (stats: BigIntStats): string =>
  [stats.size, stats.mtimeNs, stats.ino].map((part) => part.toString(36)).join('.');

/**
 * Lists a folder with all below it, in the order of the paths' bytes. Hidden files and folders are left out without a
 * word; symlinks count only where they lead to something inside the folder. Never throws: a folder that can't be read is a
 * fault.
 */
export const listFiles = async (folder: string): Promise<Inventory> => {
  const files: FoundFile[] = [];
  const faults: FolderFault[] = [];
  const fault = (path: string, reason: string): void => void faults.push({ path, reason });

  const take = async (above: readonly string[], absolute: string, path: string): Promise<void> => {
    const [root = ''] = above;
    const resolved = await realpath(absolute);
    if (resolved !== root && !resolved.startsWith(root === sep ? sep : root + sep)) {
      fault(path, 'is a symlink that leads out of the folder');
      return;
    }
    const stats = await stat(resolved, { bigint: true });
    if (stats.isDirectory()) {
      if (above.includes(resolved)) {
        fault(path, 'is a symlink to a folder that it lies in');
        return;
      }
      await walk([...above, resolved], path);
    } else if (stats.isFile()) {
      files.push({
        path,
        absolute: resolved,
        size: Number(stats.size),
        modifiedAt: Number(stats.mtimeNs / 1_000_000n),
        stamp: contentStamp(stats),
        changeStamp: stats.ctimeNs.toString(36),
      });
    } else {
      fault(path, 'is neither a file nor a folder');
    }
  };

  /** Lists the last of the folders; the others are those that it lies in, the root first. */
  const walk = async (folders: readonly string[], below: string): Promise<void> => {
    const absolute = folders.at(-1) ?? '';
    let items: Dirent[];
    try {
      items = await readdir(absolute, { withFileTypes: true });
    } catch (error) {
      fault(below, `cannot be read: ${fileProblem(error)}`);
      return;
    }
    for (const item of items) {
      const path = below === '' ? item.name : `${below}/${item.name}`;
      if (item.name.startsWith('.')) {
        continue;
      }
      const refusal = nameProblem(item.name) ?? (folders.length > maxDepth ? 'lies too deep' : undefined);
      if (refusal !== undefined || files.length >= maxFiles) {
        fault(path, refusal ?? `is one file too many: at most ${maxFiles} are served`);
        continue;
      }
      await take(folders, join(absolute, item.name), path).catch((error: unknown) =>
        fault(path, `cannot be read: ${fileProblem(error)}`),
      );
    }
  };

  try {
    const root = await realpath(folder);
    await walk([root], '');
  } catch (error) {
    fault('', `cannot be read: ${fileProblem(error)}`);
  }
  return { files: files.toSorted((a, b) => compareBytes(a.path, b.path)), faults };
};

// oxlint-disable-next-line no-control-regex
const oddSigns = /[\u0000-\u001f\u007f\\\ufffd]/;

const nameProblem = (name: string): string | undefined =>
  oddSigns.test(name) ? 'has control characters, backslashes or broken UTF-8 in its name' : undefined;

/** Models and product docs lie flat, as their clients ask for them. Undefined where nothing is wrong with place and size. */
export const flatProblem = (file: FoundFile): string | undefined =>
  file.path.includes('/')
    ? 'lies in a folder; clients look for it in the folder above'
    : file.size === 0
      ? 'is empty'
      : undefined;
