import { LRUCache } from 'lru-cache';
import { DepotError } from '../domain/errors.ts';
import type { PackageFiles, PackageRef, PackageSource } from '../source/source.ts';

/** Packages that stay open for the next file, since reading an archive's directory costs more than reading an entry. */
export interface OpenPackages {
  /** Runs `use` on the open package. Throws what opening throws. */
  with<T>(ref: PackageRef, use: (files: PackageFiles) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Opened {
  readonly files: Promise<PackageFiles>;
  users: number;
  isKept: boolean;
}

/** Milliseconds after which a package that nobody asks for is closed. */
const idleTime = 60_000;

/**
 * Keeps at most `max` packages open: each is one file handle and its directory. One that is not asked for is closed soon, since
 * an archive that was removed or replaced takes its place on the disk until then.
 */
export function createOpenPackages(source: PackageSource, max: number, idle = idleTime): OpenPackages {
  const closeIfDone = async (opened: Opened): Promise<void> => {
    if (!opened.isKept && opened.users === 0) {
      await opened.files.then((files) => files.close()).catch(() => undefined);
    }
  };
  const kept = new LRUCache<string, Opened>({
    max,
    ttl: idle,
    updateAgeOnGet: true,
    dispose: (opened) => {
      opened.isKept = false;
      void closeIfDone(opened);
    },
  });
  const sweep = setInterval(() => kept.purgeStale(), idle);
  sweep.unref();
  return {
    with: async (ref, use) => {
      const key = `${ref.path} ${ref.stamp}`;
      let opened = kept.get(key);
      if (!opened) {
        opened = { files: source.open(ref), users: 0, isKept: true };
        kept.set(key, opened);
        opened.files.catch(() => kept.delete(key));
      }
      opened.users++;
      try {
        return await use(await opened.files);
      } catch (error) {
        // A handle of a disk that went away stays of no use when the disk is back.
        if (error instanceof DepotError && error.code === 'FILE_UNREADABLE' && kept.peek(key) === opened) {
          kept.delete(key);
        }
        throw error;
      } finally {
        opened.users--;
        await closeIfDone(opened);
      }
    },
    close: async () => {
      clearInterval(sweep);
      kept.clear();
    },
  };
}
