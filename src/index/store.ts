import type { PackageSource, SourceProblem } from '../source/source.ts';
import { DepotError } from '../domain/errors.ts';
import type { BuildOptions, BuildResult } from './build.ts';
import { buildIndex } from './build.ts';
import type { IndexCache } from './index-cache.ts';
import type { KnownPackages } from './known-package.ts';
import type { Snapshot } from './snapshot.ts';
import { createSaver } from './saver.ts';
import { createSnapshot } from './snapshot.ts';
import { settleTime } from './settling.ts';

/** How the index is doing, for health, metrics and the log. */
export interface IndexState {
  readonly snapshot: Snapshot | undefined;
  /** Packages read and to be read by the build that runs now. */
  readonly progress: { readonly done: number; readonly total: number } | undefined;
  /** Why the last build failed; undefined after a good one. */
  readonly fault: string | undefined;
}

/** Holds the snapshot that is served. A new one takes its place by one assignment. */
export interface IndexStore {
  state(): IndexState;
  /**
   * Reads what changed and swaps the new snapshot in, if there is anything new. Calls during a build share one further
   * build. Throws what the source throws; the last good snapshot stays.
   */
  refresh(): Promise<Snapshot>;
  /** Writes what is not on disk yet. False when it could not be written. */
  flush(): Promise<boolean>;
  /** Ends the builds that are waiting and writes what is not on disk yet. */
  close(): Promise<void>;
}

/** What a store needs. */
export interface IndexStoreOptions extends Omit<BuildOptions, 'known' | 'progress' | 'onKnown'> {
  readonly source: PackageSource;
  /** Where the index is kept between starts; undefined for nowhere. */
  readonly cache: IndexCache | undefined;
  /** True to serve what is known from disk while the rest is being read. */
  readonly serveWhileIndexing: boolean;
  /** Told of every new snapshot, after it is served. */
  onSwap(snapshot: Snapshot): void;
  onProgress(done: number, total: number): void;
}

export function createIndexStore(options: IndexStoreOptions): IndexStore {
  const { cache, log } = options;
  let snapshot: Snapshot | undefined;
  let known: KnownPackages | undefined;
  let progress: IndexState['progress'];
  let fault: string | undefined;
  let running: Promise<Snapshot> | undefined;
  let queued: Promise<Snapshot> | undefined;
  let again: NodeJS.Timeout | undefined;
  let isClosed = false;
  const saver = createSaver(cache);

  const swap = ({ items, quarantine }: Pick<BuildResult, 'items' | 'quarantine'>): Snapshot => {
    snapshot = createSnapshot((snapshot?.generation ?? 0) + 1, items, quarantine, (item, first) =>
      log.warn(
        { 'event.action': 'package-duplicate', 'file.path': item.ref.path },
        `${item.ref.label}: ${item.record.name} ${item.record.version} was found before in ${first.ref.path}, which is served`,
      ),
    );
    options.onSwap(snapshot);
    return snapshot;
  };

  const build = async (): Promise<Snapshot> => {
    known ??= (await cache?.load()) ?? new Map();
    const result = await buildIndex({
      ...options,
      known,
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
    refuseLostPaths(result.problems, snapshot);
    known = result.known;
    fault = undefined;
    if (result.settling > 0 && !isClosed) {
      clearTimeout(again);
      again = setTimeout(() => void refresh().catch(() => undefined), settleTime / 3);
    }
    if (result.isStale) {
      saver.save(known);
    }
    const isNew = !snapshot || result.isChanged || !sameQuarantine(snapshot, result);
    return snapshot && !isNew ? snapshot : swap(result);
  };

  const start = (): Promise<Snapshot> => {
    running = build()
      .catch((error: unknown) => {
        fault = error instanceof Error ? error.message : String(error);
        log.error({ 'event.action': 'index-failed', err: error }, `the packages could not be read: ${fault}`);
        throw error;
      })
      .finally(() => {
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
        return isClosed && snapshot ? snapshot : start();
      });
    return queued;
  };

  return {
    state: () => ({ snapshot, progress, fault }),
    refresh,
    flush: () => saver.flush(),
    close: async () => {
      isClosed = true;
      clearTimeout(again);
      await Promise.allSettled([running, queued]);
      await saver.flush();
    },
  };
}

/** A package path that was served and can't be listed now (a mount that is gone): better the old packages than none. */
function refuseLostPaths(problems: readonly SourceProblem[], snapshot: Snapshot | undefined): void {
  const lost = problems.find(
    ({ path, isRoot }) =>
      isRoot === true && snapshot?.packages.some(({ ref }) => ref.path.startsWith(`${path}/`)),
  );
  if (lost) {
    throw new DepotError('SOURCE_LOST', { path: lost.path, reason: lost.reason });
  }
}

function sameQuarantine(snapshot: Snapshot, { quarantine }: Pick<BuildResult, 'quarantine'>): boolean {
  const text = (list: Snapshot['quarantine']): string => JSON.stringify(list);
  return text(snapshot.quarantine) === text(quarantine);
}
