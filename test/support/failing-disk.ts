import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { FileHandle } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';

/** How a file fails: when it is opened, or when a byte at or behind `from` is read. */
export interface DiskFailure {
  readonly code: 'EIO' | 'ESTALE' | 'ENXIO' | 'EACCES';
  readonly from?: number;
}

/** The disk of this process, which does what it is told. */
export interface FailingDisk {
  /** The file fails from now on, also where it is open already. */
  fail(path: string, failure: DiskFailure): void;
  mend(path: string): void;
}

type Callback = (error: Error | null, result?: number) => void;

/**
 * Lets opening and reading of single files fail as Node reports a failing disk, which can't be had otherwise without one. All of this
 * process sees it, so only one test of a file may use it at a time.
 */
export const failingDisk = (t: ExecutionContext): FailingDisk => {
  const failures = new Map<string, DiskFailure>();
  const paths = new Map<number, string>();
  const real = {
    open: fs.open,
    openSync: fs.openSync,
    read: fs.read,
    readSync: fs.readSync,
    openHandle: fs.promises.open,
  };
  const errorOf = (path: string, at?: number): Error | undefined => {
    const failure = failures.get(path);
    const fails = failure && (at === undefined ? failure.from === undefined : at >= (failure.from ?? 0));
    return fails
      ? Object.assign(new Error(`${failure.code}: injected, '${path}'`), { code: failure.code })
      : undefined;
  };
  /** As the kernel: what lies before the bad block is given, and the next read fails. */
  const upTo = (path: string, at: number, length: number): number => {
    const from = failures.get(path)?.from;
    return from === undefined || at >= from ? length : Math.min(length, from - at);
  };
  const patched = {
    open: (path: string, flags: number, ...rest: readonly unknown[]): void => {
      const done = rest.at(-1) as Callback;
      const error = errorOf(path);
      if (error) {
        setImmediate(done, error);
        return;
      }
      real.open(path, flags, (failed, fd) => {
        paths.set(fd, path);
        done(failed, fd);
      });
    },
    openSync: (path: string, ...rest: readonly [number]): number => {
      const error = errorOf(path);
      if (error) {
        throw error;
      }
      const fd = real.openSync(path, ...rest);
      paths.set(fd, path);
      return fd;
    },
    read: (
      fd: number,
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      done: Callback,
    ): void => {
      const path = paths.get(fd) ?? '';
      const error = errorOf(path, position);
      if (error) {
        setImmediate(done, error);
        return;
      }
      real.read(fd, buffer, offset, upTo(path, position, length), position, done);
    },
    readSync: (fd: number, buffer: Buffer, offset: number, length: number, position: number): number => {
      const path = paths.get(fd) ?? '';
      const error = errorOf(path, position);
      if (error) {
        throw error;
      }
      return real.readSync(fd, buffer, offset, upTo(path, position, length), position);
    },
    openHandle: async (path: string, ...rest: readonly [number]): Promise<FileHandle> => {
      const error = errorOf(path);
      if (error) {
        throw error;
      }
      const handle = await real.openHandle(path, ...rest);
      paths.set(handle.fd, path);
      const read = handle.read.bind(handle) as (...place: readonly unknown[]) => Promise<unknown>;
      handle.read = (async (buffer: Buffer, offset: number, length: number, position: number) => {
        const failed = errorOf(path, position);
        if (failed) {
          throw failed;
        }
        return read(buffer, offset, upTo(path, position, length), position);
      }) as typeof handle.read;
      return handle;
    },
  };
  const put = (functions: object): void => {
    const { openHandle, ...others } = functions as Record<string, unknown>;
    Object.assign(fs, others);
    Object.assign(fs.promises, { open: openHandle });
    syncBuiltinESMExports();
  };
  put(patched);
  t.teardown(() => put(real));
  return {
    fail: (path, failure) => void failures.set(path, failure),
    mend: (path) => void failures.delete(path),
  };
};
