import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How a file is written. */
export interface AtomicWrite {
  readonly mode: number;
  /** Fail with EEXIST where the file is there already; otherwise it is replaced. */
  readonly exclusive?: boolean;
}

/**
 * Writes a whole file or nothing: a temporary file in the same folder, synced, then renamed (or linked, where an
 * existing file must stay). Throws the file system's own error.
 */
export const writeAtomically = async (
  path: string,
  content: string | Uint8Array,
  how: AtomicWrite,
): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', how.mode);
  try {
    await handle.chmod(how.mode);
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    if (how.exclusive === true) {
      await link(temporary, path);
      await unlink(temporary);
    } else {
      await rename(temporary, path);
    }
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
};

/** Makes a folder and those above it. */
export const makeFolder = async (path: string, mode: number): Promise<void> => {
  await mkdir(path, { recursive: true, mode });
};

// A rename is only durable once the folder is on disk. Some file systems can't sync a folder: the file is still whole.
const syncFolder = async (path: string): Promise<void> => {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    return;
  }
};
