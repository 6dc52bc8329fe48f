import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { cannotLink } from '../files/errno.ts';
import { makeFolder, syncFolder } from '../files/folder.ts';
import { discard } from '../files/temporary.ts';
import { diskError } from './disk-error.ts';
import type { SnapshotFile } from './file-list.ts';
import type { DepotLayout } from './layout.ts';

const atOnce = 32;

/** Makes one file out of a stored content. For tests of file systems without hard links. */
export type LinkFile = (existing: string, made: string) => Promise<void>;

/**
 * Lays out a snapshot's files in a folder that nobody sees yet, as hard links to the contents, everything synced.
 * Returns how many had to be copied. Throws DEPOT_FULL or FILE_FAILED.
 */
export const layOut = async (
  layout: DepotLayout,
  folder: string,
  files: readonly SnapshotFile[],
  linkFile: LinkFile = link,
): Promise<number> => {
  let copied = 0;
  try {
    const folders = new Set([
      folder,
      ...files.flatMap((file) => foldersOf(file.path)).map((one) => path.join(folder, one)),
    ]);
    for (const one of folders) {
      // As with contents: no umask makes a snapshot that the server can't read.
      await makeFolder(one, 0o755);
    }
    for (let start = 0; start < files.length; start += atOnce) {
      const copies = await Promise.all(
        files
          .slice(start, start + atOnce)
          .map((file) => place(layout.contentFile(file.sha256), path.join(folder, file.path), linkFile)),
      );
      copied += copies.filter(Boolean).length;
    }
    for (const one of folders) {
      await syncFolder(one);
    }
    return copied;
  } catch (error) {
    throw diskError(folder, error);
  }
};

/** Puts the stored content in the place of a snapshot's file that has the old, damaged one. */
export const replaceFile = async (layout: DepotLayout, sha256: string, target: string): Promise<void> => {
  const temporary = path.join(layout.temporary, `relink.${randomBytes(6).toString('hex')}`);
  try {
    const content = layout.contentFile(sha256);
    // Not through a link: one that leads to the content isn't the content.
    const [old, good] = await Promise.all([lstat(target).catch(() => undefined), lstat(content)]);
    if (old?.ino === good.ino && old.dev === good.dev) {
      return;
    }
    await place(content, temporary, link);
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
  } catch (error) {
    await discard(temporary);
    throw diskError(target, error);
  }
};

/** True where it had to copy. */
const place = async (content: string, target: string, linkFile: LinkFile): Promise<boolean> => {
  try {
    await linkFile(content, target);
    return false;
  } catch (error) {
    if (!cannotLink(error)) {
      throw error;
    }
  }
  await copyFile(content, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const handle = await open(target, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return true;
};

const foldersOf = (file: string): string[] => {
  const parts = file.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
};
