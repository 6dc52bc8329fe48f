import { LRUCache } from 'lru-cache';
import { DepotError } from '../domain/errors.ts';
import type { PackageFiles, PackageRef, PackageSource } from '../source/source.ts';

/** Packages that stay open for the next file, since reading an archive's directory costs more than reading an entry. */
export interface OpenPackages {
  /** Runs `use` on the open package. Throws what opening throws. */
  with<T>(ref: PackageRef, use: (files: PackageFiles) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How many packages stay open. */
export interface OpenPackagesLimits {
  /** Each is one file handle. */
  readonly packages: number;
  /** Of all of them: each has its place in a directory in memory, about 250 bytes. */
  readonly files: number;
}

interface Opened {
  readonly files: Promise<PackageFiles>;
  users: number;
  isKept: boolean;
}

/** Milliseconds after which a package that nobody asks for is closed. */
const idleTime = 60_000;

/**
 * Keeps packages open within these limits. One that is not asked for is closed soon, since an archive that was removed or replaced takes
 * its place on the disk until then.
 */
export function createOpenPackages(
  source: PackageSource,
  limits: OpenPackagesLimits,
  idle = idleTime,
): OpenPackages {
  const closeIfDone = async (opened: Opened): Promise<void> => {
    if (!opened.isKept && opened.users === 0) {
      await opened.files.then((files) => files.close()).catch(() => undefined);
    }
  };
  // Nothing is known of the size of a package before it is open.
  const opening = new Map<string, Opened>();
  const kept = new LRUCache<string, Opened>({
    max: limits.packages,
    maxSize: limits.files,
    ttl: idle,
    updateAgeOnGet: true,
    dispose: (opened) => {
      opened.isKept = false;
      void closeIfDone(opened);
    },
  });
  const keep = async (key: string, opened: Opened): Promise<void> => {
    // What opening throws is told to those who wait for the files.
    const files = await opened.files.catch(() => undefined);
    if (opening.delete(key) && files) {
      kept.set(key, opened, { size: Math.max(files.count, 1) });
    }
    // One that alone has too many is used by those who wait for it, and closed.
    opened.isKept = kept.peek(key) === opened;
    await closeIfDone(opened);
  };
  const open = (key: string, ref: PackageRef): Opened => {
    const opened: Opened = { files: source.open(ref), users: 0, isKept: true };
    opening.set(key, opened);
    void keep(key, opened);
    return opened;
  };
  const sweep = setInterval(() => kept.purgeStale(), idle);
  sweep.unref();
  return {
    with: async (ref, use) => {
      const key = `${ref.path} ${ref.stamp}`;
      const opened = kept.get(key) ?? opening.get(key) ?? open(key, ref);
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
      opening.clear();
      kept.clear();
    },
  };
}
