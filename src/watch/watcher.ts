import { watch, type FSWatcher } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Log } from '../telemetry/log.ts';

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
const maxFolders = 4096;
const maxDepth = 3;

/** Starts watching. `refresh` reports its own faults; one that fails is tried again at the next change or poll. */
export function createWatcher({ paths, notify, pollInterval, log, refresh }: WatcherOptions): Watcher {
  const watched = new Map<string, FSWatcher>();
  const names = new Set(paths.map((path) => basename(path)));
  let timer: NodeJS.Timeout | undefined;
  let firstEvent = 0;
  let isRunning = false;
  let isMissed = false;
  let isClosed = false;

  const look = async (): Promise<void> => {
    timer = undefined;
    firstEvent = 0;
    if (isRunning) {
      isMissed = true;
      return;
    }
    isRunning = true;
    try {
      await watchFolders();
      await refresh();
    } catch {
      // The index has logged it, and health tells it.
    } finally {
      isRunning = false;
    }
    if (isMissed && !isClosed) {
      isMissed = false;
      schedule();
    }
  };

  const schedule = (): void => {
    if (isClosed) {
      return;
    }
    const now = Date.now();
    firstEvent ||= now;
    clearTimeout(timer);
    timer = setTimeout(() => void look(), Math.max(0, Math.min(quiet, firstEvent + longest - now)));
  };

  /** Notifications are for one folder each: new ones are added, those that are gone fall out by themselves. */
  const watchFolders = async (): Promise<void> => {
    if (!notify || isClosed) {
      return;
    }
    const { folders, parents } = await findFolders(paths);
    for (const [folder, watcher] of watched) {
      if (!folders.has(folder)) {
        watcher.close();
        watched.delete(folder);
      }
    }
    for (const folder of folders) {
      if (!watched.has(folder)) {
        watchFolder(folder, parents.has(folder));
      }
    }
  };

  /** In a parent only the package path itself matters: what else happens beside it is none of ours. */
  const watchFolder = (folder: string, isParent: boolean): void => {
    const changed = (_event: string, name: string | null): void => {
      if (!isParent || name === null || names.has(name)) {
        schedule();
      }
    };
    try {
      const watcher = watch(folder, { persistent: false }, changed);
      watcher.on('error', () => {
        watcher.close();
        watched.delete(folder);
      });
      watched.set(folder, watcher);
    } catch (error) {
      log.debug(
        { 'event.action': 'not-watched', 'file.path': folder, err: error },
        `${folder} can only be polled`,
      );
    }
  };

  const poll = pollInterval > 0 ? setInterval(() => void look(), pollInterval) : undefined;
  poll?.unref();
  void watchFolders().catch(() => undefined);
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(poll);
      for (const watcher of watched.values()) {
        watcher.close();
      }
      watched.clear();
    },
  };
}

interface WatchedFolders {
  readonly folders: ReadonlySet<string>;
  /** Those of them that are watched only because a package path lies in them. */
  readonly parents: ReadonlySet<string>;
}

/** The folders that the package paths really are (behind symlinks), the folders close below, and their parents. */
async function findFolders(paths: readonly string[]): Promise<WatchedFolders> {
  const found = new Set<string>();
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (found.size >= maxFolders || found.has(folder)) {
      return;
    }
    found.add(folder);
    if (depth === maxDepth) {
      return;
    }
    const items = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const item of items) {
      if (item.isDirectory() && !item.name.startsWith('.')) {
        await walk(join(folder, item.name), depth + 1);
      }
    }
  };
  for (const path of paths) {
    await walk(await realpath(path).catch(() => path), 0);
  }
  // A swapped symlink is seen by its parent alone.
  const parents = new Set(paths.map((path) => dirname(path)).filter((parent) => !found.has(parent)));
  return { folders: new Set([...found, ...parents]), parents };
}
