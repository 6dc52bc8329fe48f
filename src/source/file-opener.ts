import {
  close,
  closeSync,
  constants,
  fstat,
  fstatSync,
  open,
  openSync,
  read,
  type BigIntStats,
} from 'node:fs';
import { statfs } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { unreadable } from '../archive/file-problem.ts';
import { DepotError } from '../domain/errors.ts';

/** An open file that is sent to a client. It stays the file that was opened, whatever happens to its path. */
export interface OpenedFile {
  readonly stats: BigIntStats;
  /** Reads up to `length` bytes at `position` into the buffer's beginning, at least one. Throws FILE_UNREADABLE. */
  readInto(buffer: Buffer, length: number, position: number): Promise<number>;
  /** What the open file is now: other times and sizes mean that it was written to. */
  look(): BigIntStats | Promise<BigIntStats>;
  /** Does it as soon as no read runs any more; what is read later fails. */
  close(): Promise<void>;
}

/** Opens files that are sent to clients. */
export interface FileOpener {
  /** Throws FILE_UNREADABLE; `what` names the file in its reason. */
  open(path: string, what: string): Promise<OpenedFile>;
}

// Without O_NONBLOCK a named pipe would be waited for until somebody writes to it.
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Kinds of file systems (statfs's `f_type`) whose names and times no network and no other process has to be asked for. */
const localKinds: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x794c7630, // overlayfs, which containers have
  0x73717368, // SquashFS
  0xe0f5e1e2, // EROFS
]);

const remembered = { paths: 16_384, milliseconds: 60_000 } as const;

/**
 * Opening, asking for times and closing are three trips through the thread pool, which cost more than sending a small archive.
 * A file that was opened within the last minute and lies on a local file system is opened by the main thread itself: its name
 * and times are in the system's memory by then. Contents are always read by the pool: a disk may be slow. Network shares
 * may hang, and are never touched by the main thread.
 */
export const createFileOpener = (): FileOpener => {
  const isLocal = new LRUCache<string, boolean>({ max: remembered.paths, ttl: remembered.milliseconds });
  const learn = async (path: string): Promise<void> => {
    if (!isLocal.has(path)) {
      const { type } = await statfs(path);
      isLocal.set(path, localKinds.has(type >>> 0));
    }
  };
  return {
    open: async (path, what) => {
      try {
        if (isLocal.get(path)) {
          return await opened(openSync(path, openFlags), path, what, quick);
        }
        const file = await opened(await openLater(path), path, what, waiting);
        learn(path).catch(() => undefined);
        return file;
      } catch (error) {
        throw unreadable(what, error, { path });
      }
    },
  };
};

/** How an open file is asked and closed. */
interface Ways {
  look(fd: number): BigIntStats | Promise<BigIntStats>;
  close(fd: number): void;
}

const quick: Ways = { look: (fd) => fstatSync(fd, { bigint: true }), close: closeSync };

const waiting: Ways = {
  look: (fd) =>
    new Promise((resolve, reject) => {
      fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)));
    }),
  // Nothing was written: there is nothing that closing could lose.
  close: (fd) => close(fd, () => undefined),
};

const openLater = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    open(path, openFlags, (error, fd) => (error ? reject(error) : resolve(fd)));
  });

const opened = async (fd: number, path: string, what: string, ways: Ways): Promise<OpenedFile> => {
  let stats: BigIntStats;
  try {
    stats = await ways.look(fd);
    requireFile(stats, what);
  } catch (error) {
    ways.close(fd);
    throw error;
  }
  // The number of a closed file may be that of another one in the next moment: no read may have it then.
  let reading = 0;
  let isOpen = true;
  const requireOpen = (): void => {
    if (!isOpen) {
      throw new DepotError('FILE_UNREADABLE', { reason: `${what} was closed before it was read` });
    }
  };
  return {
    stats,
    readInto: (buffer, length, position) =>
      new Promise((resolve, reject) => {
        requireOpen();
        reading += 1;
        read(fd, buffer, 0, length, position, (error, count) => {
          reading -= 1;
          if (!isOpen && reading === 0) {
            ways.close(fd);
          }
          if (error) {
            reject(unreadable(what, error, { path, position }));
          } else if (count === 0) {
            reject(
              new DepotError('FILE_UNREADABLE', { reason: `${what} has become shorter while it was read` }),
            );
          } else {
            resolve(count);
          }
        });
      }),
    look: () => {
      requireOpen();
      return ways.look(fd);
    },
    close: async () => {
      if (isOpen) {
        isOpen = false;
        if (reading === 0) {
          ways.close(fd);
        }
      }
    },
  };
};

const requireFile = (stats: BigIntStats, what: string): void => {
  if (!stats.isFile()) {
    throw new DepotError('FILE_UNREADABLE', {
      reason: `${what} cannot be read: it is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}`,
    });
  }
};
