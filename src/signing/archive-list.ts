import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unreadableFile } from './file-problem.ts';

/**
 * Every `*.zip` below the given folders at any depth, and the given files as they are; each once, sorted by path.
 * Hidden names (temporary files among them) are left out. Throws SIGNED_FILE_UNREADABLE for a path that isn't there.
 */
export const listArchives = async (paths: readonly string[]): Promise<readonly string[]> => {
  const found = new Set<string>();
  for (const path of paths) {
    for (const archive of await archivesOf(path)) {
      found.add(archive);
    }
  }
  return [...found].toSorted();
};

const archivesOf = async (path: string): Promise<readonly string[]> => {
  try {
    const info = await stat(path);
    if (!info.isDirectory()) {
      return [path];
    }
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.name.endsWith('.zip') && !entry.name.startsWith('.') && !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter(
        (file) =>
          !file
            .slice(path.length)
            .split(/[\\/]/)
            .some((part) => part.startsWith('.')),
      );
  } catch (error) {
    throw unreadableFile(path, error);
  }
};
