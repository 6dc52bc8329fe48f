import { link, open, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../domain/system-error.ts';
import { syncFolder, withoutModes } from './folder.ts';
import { hasName, refuseSpecialFile } from './place.ts';
import { discard, temporaryBeside } from './temporary.ts';

/** How a file is written. */
export interface DurableWrite {
  /** Whatever the umask; if nothing is said, 0o644 less that. */
  readonly mode?: number;
  /** Fail with EEXIST where the file is there already; otherwise it is replaced. */
  readonly exclusive?: boolean;
  /** Where it is written before it is whole, on the same file system; beside it if nothing is said. */
  readonly temporary?: string;
}

/**
 * Writes a whole file so that at every moment either the old or the new content is there, on the disk too: a temporary file,
 * synced, then renamed (or linked, where an existing file must stay), and the folder synced. Throws the file system's own error, and
 * FILE_FAILED where a device or a pipe has the name.
 */
export const writeDurably = async (
  target: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  { mode, exclusive = false, temporary: given }: DurableWrite = {},
): Promise<void> => {
  await refuseSpecialFile(target, 'name a plain file');
  const temporary = given ?? (await temporaryBeside(target));
  try {
    const handle = await open(temporary, given === undefined ? 'wx' : 'w', mode ?? 0o644);
    try {
      if (mode !== undefined) {
        await handle.chmod(mode).catch(withoutModes);
      }
      await writeFile(handle, content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await (exclusive ? takeName(temporary, target) : rename(temporary, target));
  } catch (error) {
    await discard(temporary);
    throw error;
  }
  await syncFolder(dirname(target));
};

// A hard link fails where the name is taken, which a rename doesn't. Where there are no hard links (vfat, some network
// shares) the name is asked for first: two runs in the very same moment could then both take it.
const takeName = async (temporary: string, path: string): Promise<void> => {
  try {
    await link(temporary, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' || (await hasName(path))) {
      throw Object.assign(new Error(`${path} is there already`, { cause: error }), { code: 'EEXIST' });
    }
    await rename(temporary, path);
    return;
  }
  await unlink(temporary);
};
