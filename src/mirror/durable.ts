import { mkdir, open, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileFault } from './file-fault.ts';

/** Writes a whole file so that at every moment either the old or the new content is there, on the disk too. */
export async function writeDurably(
  file: string,
  temporary: string,
  content: string | Uint8Array,
): Promise<void> {
  try {
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw fileFault(error, file);
  }
}

/**
 * Makes a folder and those above it. Not by Node's recursive mkdir, which says "no such folder" on a read-only file system, and
 * never ends where a file system refuses new names with ENOENT, as /proc does. Returns those that it made, the outermost first.
 * Throws FILE_FAILED or DISK_FULL.
 */
export async function ensureFolder(folder: string): Promise<readonly string[]> {
  try {
    await mkdir(folder);
    return [folder];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (await isFolder(folder)) {
      return [];
    }
    if (code !== 'ENOENT' || dirname(folder) === folder) {
      throw fileFault(error, folder);
    }
    // Where the one above is there by now, another has just made it: asked once more, this one tells.
    const above = await ensureFolder(dirname(folder));
    try {
      await mkdir(folder);
      return [...above, folder];
    } catch (again) {
      if (!(await isFolder(folder))) {
        throw fileFault(again, folder);
      }
      return above;
    }
  }
}

/** Takes folders away that nothing came into, the last first. */
export async function dropEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

/** Makes renames in a folder last over a power cut. Systems that can't sync a folder are left alone. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    await handle?.sync().catch(() => {});
  } finally {
    await handle?.close();
  }
}
