import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, open, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { digestFile, isDigest } from '../files/digest.ts';
import { diskError, onDisk } from './disk-error.ts';
import { errnoOf } from '../domain/system-error.ts';
import { cannotLink, isUnsupported } from '../files/errno.ts';
import { makeFolder, syncFolder, withoutModes } from '../files/folder.ts';
import { discard } from '../files/temporary.ts';
import type { DepotLayout } from './layout.ts';
import { fileChunks } from './named-chunks.ts';
import type { LinkFile } from './snapshot-folder.ts';
import { verifiedChunks, type Expected } from './verified-chunks.ts';

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

/** Contents by SHA-256, each once. */
export interface ContentStore {
  /** `whole`: there and its bytes hashed right; `damaged`: there with wrong bytes; `absent`. */
  check(expected: Expected, signal?: AbortSignal): Promise<'whole' | 'damaged' | 'absent'>;
  /** Whether a content of that digest and size is there, by its name and size alone. */
  has(expected: Expected): Promise<boolean>;
  /** Digests of everything stored, sorted. */
  list(): Promise<string[]>;
  intake(): Intake;
}

const syncsAtOnce = 16;

export const createContentStore = (layout: DepotLayout, linkFile: LinkFile = link): ContentStore => ({
  async has(expected) {
    try {
      const found = await lstat(layout.contentFile(expected.sha256));
      return found.isFile() && found.size === expected.size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        return false;
      }
      throw diskError(layout.contentFile(expected.sha256), error);
    }
  },

  async check(expected, signal) {
    const file = layout.contentFile(expected.sha256);
    try {
      const found = await lstat(file);
      if (!found.isFile() || found.size !== expected.size) {
        return 'damaged';
      }
      return (await digestFile(file, signal)).sha256 === expected.sha256 ? 'whole' : 'damaged';
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        return 'absent';
      }
      if (errnoOf(error) === 'EIO') {
        return 'damaged';
      }
      throw diskError(file, error);
    }
  },

  async list() {
    const digests: string[] = [];
    for (const prefix of await readdir(layout.content).catch(() => [])) {
      for (const name of await readdir(path.join(layout.content, prefix)).catch(() => [])) {
        if (isDigest(name) && name.startsWith(prefix)) {
          digests.push(name);
        }
      }
    }
    return digests.toSorted();
  },

  intake: () => createIntake(layout, linkFile),
});

const createIntake = (layout: DepotLayout, linkFile: LinkFile): Intake => {
  const folders = new Set<string>();
  const settling = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  const settle = async (
    handle: Awaited<ReturnType<typeof open>>,
    temporary: string,
    target: string,
  ): Promise<void> => {
    try {
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
    } catch (error) {
      failure ??= { error: diskError(target, error) };
      await discard(temporary);
    }
  };

  /** Makes the folder of a content; returns its path and a temporary one. */
  const prepare = async ({ sha256 }: Expected): Promise<{ target: string; temporary: string }> => {
    if (failure !== undefined) {
      throw failure.error;
    }
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

  const settleLater = async (
    handle: Awaited<ReturnType<typeof open>>,
    temporary: string,
    target: string,
  ): Promise<void> => {
    const settled: Promise<void> = settle(handle, temporary, target).finally(() => settling.delete(settled));
    settling.add(settled);
    if (settling.size >= syncsAtOnce) {
      await Promise.race(settling);
    }
  };

  const intake: Intake = {
    async take(expected, source, fail) {
      const { target, temporary } = await prepare(expected);
      try {
        // Read-only: a content is shared by every snapshot, so nobody should write into one by accident.
        const handle = await open(temporary, 'wx', 0o444);
        try {
          // Whatever the umask of who imports: the server is another user, and only the depot's own folder keeps it out.
          await handle.chmod(0o444).catch(withoutModes);
          for await (const chunk of verifiedChunks(source, expected, fail)) {
            await handle.writeFile(chunk);
          }
        } catch (error) {
          await handle.close();
          await discard(temporary);
          throw error;
        }
        await settleLater(handle, temporary, target);
      } catch (error) {
        throw diskError(target, error);
      }
    },
    async takeFile(expected, file, fail) {
      const { target, temporary } = await prepare(expected);
      try {
        await linkFile(file, temporary);
      } catch (error) {
        if (!cannotLink(error)) {
          throw diskError(file, error);
        }
        await intake.take(expected, fileChunks(file, expected.size), fail);
        return;
      }
      try {
        for await (const chunk of verifiedChunks(fileChunks(file, expected.size), expected, fail)) {
          void chunk;
        }
        await chmod(temporary, 0o444);
        await settleLater(await open(temporary, 'r'), temporary, target);
      } catch (error) {
        await discard(temporary);
        if (isUnsupported(error)) {
          // Another user's file would stay that user's to change: a copy of it is ours.
          await intake.take(expected, fileChunks(file, expected.size), fail);
          return;
        }
        throw diskError(target, error);
      }
    },
    async finish() {
      await Promise.all(settling);
      if (failure !== undefined) {
        throw failure.error;
      }
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
