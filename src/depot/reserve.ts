import { randomBytes } from 'node:crypto';
import { rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';

// On a full disk not even the lock of the `gc` that is to free it could be written. So a depot keeps a file that stands for
// nothing but its size, and gives it up for changes that need hardly any space.

/** Enough for a lock, the lines of a journal and the list of marks. */
const reservedBytes = 256 * 1024;

/** Gives the reserve up where the disk has less than that left. */
export const spendReserve = async (file: string): Promise<void> => {
  const disk = await statfs(path.dirname(file)).catch(() => undefined);
  if (disk !== undefined && disk.bavail * disk.bsize < reservedBytes) {
    await rm(file, { force: true }).catch(() => undefined);
  }
};

/** Sees that the reserve is there. A disk that has no room for it is no fault of the change that was made. */
export const keepReserve = async (file: string): Promise<void> => {
  const found = await stat(file).catch(() => undefined);
  if (found?.size === reservedBytes) {
    return;
  }
  try {
    // Nothing that a file system could compress away.
    await writeFile(file, randomBytes(reservedBytes));
  } catch {
    await rm(file, { force: true }).catch(() => undefined);
  }
};
