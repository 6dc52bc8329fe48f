import { watch, type FSWatcher } from 'node:fs';
import { basename } from 'node:path';
import type { Log } from '../telemetry/log.ts';
import { findWatchedFolders, type WatchedFolder } from './watched-folders.ts';

/** Looks for changes below folders, by notification and by the clock. */
export interface Watcher {
  close(): void;
}

/** How to watch. Times are milliseconds. */
export interface WatcherOptions {
  readonly paths: readonly string[];
  /** Use the kernel's notifications. They are quick, and silent on NFS, SMB, FUSE and many volumes. */
  readonly notify: boolean;
  /** Look every so often whatever was notified; 0 is never. */
  readonly pollInterval: number;
  readonly log: Log;
  /** Reads what changed. Only one call runs at a time. */
  refresh(): Promise<unknown>;
}

// A burst of files is one change: wait for this much quiet, but not longer than that.
const quiet = 250;
const longest = 2000;

interface Watched {
  readonly watcher: FSWatcher;
  readonly identity: string;
}

/** Starts watching. `refresh` reports its own faults; one that fails is tried again at the next change or poll. */
export function createWatcher({ paths, notify, pollInterval, log, refresh }: WatcherOptions): Watcher {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let firstEvent: number | undefined;
  let isRunning = false;
  let isMissed = false;
  let isClosed = false;
  let isTold = false;

  const look = async (): Promise<void> => {
    clearTimeout(timer);
    firstEvent = undefined;
    if (isRunning) {
      isMissed = true;
      return;
    }
    isRunning = true;
    try {
      await watchFolders();
      if (!isClosed) {
        await refresh();
      }
    } catch {
      // The index has logged it, and health tells it.
    } finally {
      isRunning = false;
    }
    if (isMissed) {
      isMissed = false;
      schedule();
    }
  };

  const schedule = (): void => {
    if (isClosed) {
      return;
    }
    const now = performance.now();
    firstEvent ??= now;
    clearTimeout(timer);
    timer = setTimeout(() => void look(), Math.max(0, Math.min(quiet, firstEvent + longest - now)));
  };

  /** Notifications are for one folder each: new ones are added, those that are gone or replaced fall out. */
  const watchFolders = async (): Promise<void> => {
    if (!notify || isClosed) {
      return;
    }
    const folders = await findWatchedFolders(paths, watchFolder);
    for (const path of watched.keys()) {
      if (!folders.has(path)) {
        forget(path);
      }
    }
  };

  const watchFolder = (path: string, { identity, names }: WatchedFolder): void => {
    const kind = `${identity} ${names ? [...names].join('/') : ''}`;
    if (isClosed || watched.get(path)?.identity === kind) {
      return;
    }
    forget(path);
    const changed = (event: string, name: string | null): void => {
      // A folder that is moved or removed itself says so by its own name.
      if (event === 'rename' && name === basename(path)) {
        forget(path);
        schedule();
      } else if (!names || name === null || names.has(name)) {
        schedule();
      }
    };
    try {
      const watcher = watch(path, { persistent: false }, changed);
      watcher.on('error', () => forget(path));
      watched.set(path, { watcher, identity: kind });
    } catch (error) {
      tell(path, error);
    }
  };

  const forget = (path: string): void => {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  };

  const tell = (path: string, error: unknown): void => {
    // A folder that is gone meanwhile is no fault.
    if (!isTold && (error as NodeJS.ErrnoException).code !== 'ENOENT') {
      isTold = true;
      const means =
        pollInterval > 0 ? 'it is polled instead' : 'changes in it are not noticed (-poll-interval)';
      log.warn(
        { 'event.action': 'not-watched', 'file.path': path, err: error },
        `${path} cannot be watched: ${means}`,
      );
    }
  };

  const poll = pollInterval > 0 ? setInterval(() => void look(), pollInterval) : undefined;
  poll?.unref();
  // What changes between the first look, which runs by now, and the first watching would be missed.
  void watchFolders().then(() => notify && schedule());
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(poll);
      for (const path of watched.keys()) {
        forget(path);
      }
    },
  };
}
