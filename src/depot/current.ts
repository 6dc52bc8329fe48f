import { lstat, readlink, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { isUnsupported } from '../files/errno.ts';
import { syncFolder } from '../files/folder.ts';
import { discard, temporaryBeside } from '../files/temporary.ts';
import { diskError } from './disk-error.ts';
import type { DepotLayout } from './layout.ts';
import { isSnapshotId } from './snapshot-id.ts';

/**
 * The id that `current` points to; undefined where there is no such link. Throws DEPOT_DAMAGED where it is no link, or leads to
 * something else than a snapshot.
 */
export const readCurrent = async ({ current }: DepotLayout): Promise<string | undefined> => {
  try {
    const target = await readlink(current);
    const id = path.basename(target);
    if (path.dirname(target) === 'snapshots' && isSnapshotId(id)) {
      return id;
    }
    throw new DepotError('DEPOT_DAMAGED', {
      path: current,
      reason: `it points to ${target} instead of a snapshot; \`snapshot rollback ID\` sets it right`,
    });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return undefined;
    }
    if (errnoOf(error) === 'EINVAL') {
      const reason = 'it is no symlink; move it away';
      throw new DepotError('DEPOT_DAMAGED', { path: current, reason }, error);
    }
    throw error;
  }
};

/**
 * Points `current` to a snapshot in one step: a symlink renamed over the old one, synced. Throws DEPOT_DAMAGED where the snapshot has no
 * folder, DEPOT_FULL or FILE_FAILED.
 */
export const pointCurrent = async (layout: DepotLayout, id: string): Promise<void> => {
  const temporary = await temporaryBeside(layout.current);
  try {
    if (!(await lstat(layout.snapshotFolder(id))).isDirectory()) {
      throw new DepotError('DEPOT_DAMAGED', { path: layout.snapshotFolder(id), reason: 'it is no folder' });
    }
    await symlink(path.join('snapshots', id), temporary);
    await rename(temporary, layout.current);
    await syncFolder(layout.root);
  } catch (error) {
    await discard(temporary);
    throw diskError(layout.current, error);
  }
};

/**
 * Throws DEPOT_PLACE_UNFIT where the file system makes no symbolic links, which `current` has to be: before gigabytes are copied
 * there. Any other trouble is left to who meets it.
 */
export const refuseWithoutLinks = async (
  layout: DepotLayout,
  linkFolder: (target: string, made: string) => Promise<void> = symlink,
): Promise<void> => {
  if (await lstat(layout.current).catch(() => undefined)) {
    return;
  }
  const probe = await temporaryBeside(layout.current);
  try {
    await linkFolder('snapshots', probe);
  } catch (error) {
    if (isUnsupported(error)) {
      const reason = 'its file system makes no symbolic links, as FAT and exFAT';
      throw new DepotError('DEPOT_PLACE_UNFIT', { path: layout.root, reason }, error);
    }
  } finally {
    await discard(probe);
  }
};
