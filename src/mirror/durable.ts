import { mkdir, open, rename, stat, unlink } from 'node:fs/promises';
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
 * never ends where a file system refuses new names with ENOENT, as /proc does. Throws FILE_FAILED or DISK_FULL.
 */
export async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (await isFolder(folder)) {
      return;
    }
    if (code !== 'ENOENT' || dirname(folder) === folder || (await isFolder(dirname(folder)))) {
      throw fileFault(error, folder);
    }
    await ensureFolder(dirname(folder));
    await mkdir(folder).catch(async (again: unknown) => {
      if (!(await isFolder(folder))) {
        throw fileFault(again, folder);
      }
    });
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
