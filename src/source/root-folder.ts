import { readdir, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { compareBytes } from '../archive/byte-order.ts';
import { fileProblem } from '../archive/file-problem.ts';
import type { SourceProblem } from './source.ts';

/** A folder's items in the order of their names' bytes, or why there are none. */
export type FolderItems =
  | { readonly items: readonly Dirent[]; readonly problem?: never }
  | { readonly items?: never; readonly problem: string };

/** What no package is: hidden items (`.git`, `..data`, `._x.zip`), and what ext4 makes in the root of every volume, for root alone. */
export const isPassedOver = (name: string): boolean => name.startsWith('.') || name === 'lost+found';

/** Lists a folder without what is passed over. */
export const listFolder = async (path: string): Promise<FolderItems> => {
  try {
    const items = await readdir(path, { withFileTypes: true });
    return {
      items: items
        .filter((item) => !isPassedOver(item.name))
        .toSorted((a, b) => compareBytes(a.name, b.name)),
    };
  } catch (error) {
    return { problem: `the folder cannot be read: ${fileProblem(error)}` };
  }
};

/** What an item is behind its symlinks; undefined where they lead nowhere or in a circle. */
export const itemKind = async (
  path: string,
  item: Dirent,
): Promise<'file' | 'folder' | 'other' | undefined> => {
  if (!item.isSymbolicLink() && (item.isFile() || item.isDirectory())) {
    return item.isFile() ? 'file' : 'folder';
  }
  try {
    const stats = await stat(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  } catch {
    return undefined;
  }
};

/** Whether a folder was meant to be a package. */
export const hasManifest = async (folder: string): Promise<boolean> => {
  try {
    return (await stat(join(folder, 'manifest.yml'))).isFile();
  } catch {
    return false;
  }
};

/** Why a package path serves nothing: it isn't there, isn't a folder, cannot be read or is empty. Undefined otherwise. */
export const rootProblem = async (root: string): Promise<SourceProblem | undefined> => {
  const problem = (reason: string, severity: SourceProblem['severity'], isRoot = true): SourceProblem => ({
    path: root,
    label: root,
    reason,
    severity,
    isRoot,
  });
  try {
    if (!(await stat(root)).isDirectory()) {
      return problem('the package path is not a folder', 'ignored');
    }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return isMissing
      ? problem('the package path does not exist', 'ignored')
      : problem(`the package path cannot be read: ${fileProblem(error)}`, 'quarantine');
  }
  const { items, problem: reason } = await listFolder(root);
  if (items === undefined) {
    return problem(reason, 'quarantine');
  }
  return items.length === 0 ? problem('the package path is empty', 'ignored', false) : undefined;
};
