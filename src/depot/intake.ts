import { randomBytes } from 'node:crypto';
import { chmod, open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { cannotLink, isUnsupported } from '../files/errno.ts';
import { makeFolder, syncFolder, withoutModes } from '../files/folder.ts';
import { discard } from '../files/temporary.ts';
import { diskError, onDisk } from './disk-error.ts';
import type { DepotLayout } from './layout.ts';
import { fileChunks } from './named-chunks.ts';
import { createSettling } from './settling.ts';
import type { LinkFile } from './snapshot-folder.ts';
import { checkChunks, verifiedChunks, type Expected } from './verified-chunks.ts';

/** Contents on their way into the store. Nothing counts as stored for good before `finish`. */
export interface Intake {
  /**
   * Writes one content under its digest, checked while it streams: temporary file, fsync, rename. Replaces what is there.
   * Returns once the bytes are handed over; the sync goes on in the background, a few at a time. Throws what `fail` makes of wrong bytes.
   */
  take(expected: Expected, source: AsyncIterable<Uint8Array>, fail: (reason: string) => Error): Promise<void>;
  /**
   * The same for a file that nobody will write into again: where it lies on the depot's file system it becomes the content
   * by a hard link, read-only from then on, without being copied.
   */
  takeFile(expected: Expected, file: string, fail: (reason: string) => Error): Promise<void>;
  /** Waits until everything taken is on the disk, with its folder entries. */
  finish(): Promise<void>;
}

/** Takes contents into the store of a depot. Throws DEPOT_FULL or FILE_FAILED besides what `fail` makes. */
export const createIntake = (layout: DepotLayout, linkFile: LinkFile): Intake => {
  const folders = new Set<string>();
  const settling = createSettling();

  /** Makes the folder of a content; returns its path and a temporary one. */
  const prepare = async ({ sha256 }: Expected): Promise<{ target: string; temporary: string }> => {
    settling.refuseFailed();
    const target = layout.contentFile(sha256);
    const folder = path.dirname(target);
    if (!folders.has(folder)) {
      await onDisk(target, makeFolder(folder));
    }
    folders.add(folder);
    return {
      target,
      temporary: path.join(layout.temporary, `${sha256.slice(0, 16)}.${randomBytes(6).toString('hex')}`),
    };
  };

  const intake: Intake = {
    async take(expected, source, fail) {
      const { target, temporary } = await prepare(expected);
      try {
        const handle = await writeContent(temporary, verifiedChunks(source, expected, fail));
        await settling.add(handle, temporary, target);
      } catch (error) {
        throw diskError(target, error);
      }
    },

    async takeFile(expected, file, fail) {
      const { target, temporary } = await prepare(expected);
      const copy = (): Promise<void> => intake.take(expected, fileChunks(file, expected.size), fail);
      try {
        await linkFile(file, temporary);
      } catch (error) {
        if (!cannotLink(error)) {
          throw diskError(file, error);
        }
        return copy();
      }
      try {
        await checkChunks(fileChunks(file, expected.size), expected, fail);
        await chmod(temporary, 0o444);
        await settling.add(await open(temporary, 'r'), temporary, target);
      } catch (error) {
        await discard(temporary);
        if (!isUnsupported(error)) {
          throw diskError(target, error);
        }
        // Another user's file would stay that user's to change: a copy of it is ours.
        await copy();
      }
    },

    async finish() {
      await settling.end();
      try {
        for (const folder of folders) {
          await syncFolder(folder);
        }
        await syncFolder(layout.content);
      } catch (error) {
        throw diskError(layout.content, error);
      }
    },
  };
  return intake;
};

/** Writes a new file and returns its handle, to be synced. Leaves nothing where that fails. */
const writeContent = async (file: string, chunks: AsyncIterable<Uint8Array>): Promise<FileHandle> => {
  // Read-only: a content is shared by every snapshot, so nobody should write into one by accident.
  const handle = await open(file, 'wx', 0o444);
  try {
    // Whatever the umask of who imports: the server is another user, and only the depot's own folder keeps it out.
    await handle.chmod(0o444).catch(withoutModes);
    for await (const chunk of chunks) {
      await handle.writeFile(chunk);
    }
    return handle;
  } catch (error) {
    await handle.close();
    await discard(file);
    throw error;
  }
};
