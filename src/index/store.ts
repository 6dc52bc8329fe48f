import type { PackageSource } from '../source/source.ts';
import { DepotError } from '../domain/errors.ts';
import type { BuildOptions, BuildResult } from './build.ts';
import { buildIndex } from './build.ts';
import { createFaultLog } from './fault-log.ts';
import type { IndexCache } from './index-cache.ts';
import type { KnownPackages } from './known-package.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotItem } from './snapshot-item.ts';
import { createSaver } from './saver.ts';
import { createSnapshotMaker, sameContent } from './snapshot.ts';
import { createSettling, settleTime } from './settling.ts';

/** How the index is doing, for health, metrics and the log. */
export interface IndexState {
  readonly snapshot: Snapshot | undefined;
  /** Packages read and to be read by the build that runs now. */
  readonly progress: { readonly done: number; readonly total: number } | undefined;
  /** Why the last build failed; undefined after a good one. */
  readonly fault: string | undefined;
}

/** One look at the package paths that is over. */
export interface LookReport {
  /** `same`: nothing was new. */
  readonly result: 'changed' | 'same' | 'failed';
  readonly seconds: number;
  /** Packages that were looked into. */
  readonly read: number;
}

/** Holds the snapshot that is served. A new one takes its place by one assignment. */
export interface IndexStore {
  state(): IndexState;
  /**
   * Reads what changed and swaps the new snapshot in, if there is anything new. Calls during a build share one further
   * build. Throws what the source throws; the last good snapshot stays.
   */
  refresh(): Promise<Snapshot>;
  /** Ends the build that runs, and writes what is not on disk yet. */
  close(): Promise<void>;
}

/** The store of the process that reads packages, with the file that other processes serve from. */
export interface WrittenIndex extends IndexStore {
  /** Writes what is not on disk yet. False when it could not be written; it is tried again later. */
  flush(): Promise<boolean>;
  /** True where nothing waits to be written. */
  isWritten(): boolean;
  /** Writes the file again though nothing has changed: somebody could not read it. */
  rewrite(): void;
}

/** What a store needs. */
export interface IndexStoreOptions extends Pick<BuildOptions, 'pool' | 'rules' | 'log'> {
  readonly source: PackageSource;
  /** Where the index is kept between starts; undefined for nowhere. */
  readonly cache: IndexCache | undefined;
  /** True to serve what is known from disk while the rest is being read. */
  readonly serveWhileIndexing: boolean;
  /** Told of every new snapshot, after it is served. */
  onSwap(snapshot: Snapshot): void;
  /** Told of every look, after its snapshot is served. */
  onLook(report: LookReport): void;
  onProgress(done: number, total: number): void;
}

/** Node's longest, of 24 days; a look that comes too early does no harm. */
const longestTimeout = 2 ** 31 - 1;

/** More switches than that during one look are no switching any more; then what was found last counts. */
const maxBuilds = 5;

/** The store of the process that reads packages. Nothing is read before the first `refresh`. */
export function createIndexStore(options: IndexStoreOptions): WrittenIndex {
  const { cache, log } = options;
  let snapshot: Snapshot | undefined;
  let items: readonly SnapshotItem[] = [];
  let known: KnownPackages | undefined;
  let progress: IndexState['progress'];
  let running: Promise<Snapshot> | undefined;
  let queued: Promise<Snapshot> | undefined;
  let again: NodeJS.Timeout | undefined;
  let atEnd: NodeJS.Timeout | undefined;
  const closing = new AbortController();
  const settling = createSettling();
  const saver = createSaver(cache);
  const faults = createFaultLog(log);
  const makeSnapshot = createSnapshotMaker((item, first) =>
    log.warn(
      { 'event.action': 'package-duplicate', 'file.path': item.ref.path },
      `${item.ref.label}: ${item.record.name} ${item.record.version} was found before in ${first.ref.path}, which is served`,
    ),
  );

  const swap = (part: Pick<BuildResult, 'items' | 'quarantine'>): Snapshot => {
    snapshot = makeSnapshot((snapshot?.generation ?? 0) + 1, part.items, part.quarantine);
    items = part.items;
    options.onSwap(snapshot);
    return snapshot;
  };

  /** Found by path when it is first asked for: most builds never do. */
  const servedItems = (): ((path: string) => SnapshotItem | undefined) => {
    let byPath: Map<string, SnapshotItem> | undefined;
    return (path) => {
      byPath ??= new Map(items.map((item) => [item.ref.path, item]));
      return byPath.get(path);
    };
  };

  /** Of one state: where a depot was switched while its packages were read, they are looked at again before any is shown. */
  const buildSteadily = async (from: KnownPackages): Promise<BuildResult> => {
    let result = await buildOnce(from);
    for (let count = 1; result.isOutdated && !result.isAborted && count < maxBuilds; count += 1) {
      const { isStale, read } = result;
      const next = await buildOnce(result.known);
      result = { ...next, isStale: next.isStale || isStale, read: next.read + read };
    }
    return result;
  };

  const buildOnce = (from: KnownPackages): Promise<BuildResult> =>
    buildIndex({
      ...options,
      known: from,
      isFirst: snapshot === undefined,
      isServing: snapshot !== undefined,
      settling,
      signal: closing.signal,
      served: servedItems(),
      onKnown: (part) => {
        if (options.serveWhileIndexing && !snapshot && part.items.length > 0) {
          swap(part);
        }
      },
      progress: (done, total) => {
        progress = { done, total };
        options.onProgress(done, total);
      },
    });

  const build = async (): Promise<BuildResult> => {
    const kept = known ?? (await cache?.load());
    known = kept ?? new Map();
    const result = await buildSteadily(known);
    refuseLostPaths(result, snapshot);
    refuseUnreadablePath(result, snapshot);
    known = result.known;
    // Other processes may wait for the file, so it is written for an empty folder too.
    if (result.isStale || !kept) {
      saver.save(known);
    }
    return result;
  };

  const look = async (): Promise<Snapshot> => {
    const start = performance.now();
    const report = (result: LookReport['result'], read: number): void =>
      options.onLook({ result, read, seconds: (performance.now() - start) / 1000 });
    try {
      const result = await build();
      if (result.isAborted) {
        throw new DepotError('NOT_READY', { reason: 'the server is being stopped' });
      }
      faults.clear();
      lookAgain(result);
      lookAtEnd(result);
      const isSame = snapshot !== undefined && sameContent(snapshot, items, result);
      const current = snapshot !== undefined && isSame ? snapshot : swap(result);
      report(isSame ? 'same' : 'changed', result.read);
      return current;
    } catch (error) {
      if (!closing.signal.aborted) {
        faults.raise(error);
        report('failed', 0);
      }
      throw error;
    }
  };

  /** What isn't whole yet is looked at every second, what was written to just now once more. */
  const lookAgain = ({ settling: unsettled, young }: BuildResult): void => {
    if (unsettled + young > 0 && !closing.signal.aborted) {
      clearTimeout(again);
      again = setTimeout(
        () => void refresh().catch(() => undefined),
        unsettled > 0 ? settleTime / 3 : settleTime,
      );
    }
  };

  /** A signature or its key may end while nothing changes. */
  const lookAtEnd = ({ until }: BuildResult): void => {
    clearTimeout(atEnd);
    if (until !== undefined && !closing.signal.aborted) {
      const wait = Math.min(until - Date.now(), longestTimeout);
      atEnd = setTimeout(() => void refresh().catch(() => undefined), wait).unref();
    }
  };

  const start = (): Promise<Snapshot> => {
    if (closing.signal.aborted) {
      return snapshot
        ? Promise.resolve(snapshot)
        : Promise.reject(new DepotError('NOT_READY', { reason: 'the server is being stopped' }));
    }
    running = look().finally(() => {
      progress = undefined;
      running = undefined;
    });
    return running;
  };

  const refresh = (): Promise<Snapshot> => {
    if (!running) {
      return start();
    }
    queued ??= running
      .catch(() => undefined)
      .then(() => {
        queued = undefined;
        return start();
      });
    return queued;
  };

  return {
    state: () => ({ snapshot, progress, fault: faults.current() }),
    refresh,
    flush: () => saver.flush(),
    isWritten: () => saver.isDone(),
    rewrite: () => {
      if (known) {
        saver.save(known);
      }
    },
    close: async () => {
      closing.abort();
      clearTimeout(again);
      clearTimeout(atEnd);
      await Promise.allSettled([running, queued]);
      await saver.close();
    },
  };
}

/** A first index without a package, because a package path can't be read: that is no empty registry, which would be ready. */
function refuseUnreadablePath({ items, problems }: BuildResult, snapshot: Snapshot | undefined): void {
  const unreadable = problems.find(({ isRoot, severity }) => isRoot === true && severity === 'quarantine');
  if (unreadable && !snapshot && items.length === 0) {
    throw new DepotError('SOURCE_UNREADABLE', { path: unreadable.path, reason: unreadable.reason });
  }
}

/** A package path that was served and can't be listed now (a mount that is gone): better the old packages than none. */
function refuseLostPaths({ problems }: BuildResult, snapshot: Snapshot | undefined): void {
  const lost = problems.find(
    ({ path, isRoot }) =>
      isRoot === true && snapshot?.packages.some(({ ref }) => ref.path.startsWith(`${path}/`)),
  );
  if (lost) {
    throw new DepotError('SOURCE_LOST', { path: lost.path, reason: lost.reason });
  }
}
