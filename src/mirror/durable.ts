import { open, rename, unlink } from 'node:fs/promises';
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

/** Makes renames in a folder last over a power cut. Systems that can't sync a folder are left alone. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    await handle?.sync().catch(() => {});
  } finally {
    await handle?.close();
  }
}
