import type { Log } from '../telemetry/log.ts';
import type { BuildOptions, KnownPackages } from './build.ts';
import { buildIndex } from './build.ts';
import type { Snapshot } from './snapshot.ts';
import { createSnapshot } from './snapshot.ts';

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
  /** Undefined until the first build is done. */
  current(): Snapshot | undefined;
  state(): IndexState;
  /**
   * Reads what changed and swaps the new snapshot in. Calls during a build share one further build. Throws what the
   * source throws; the last good snapshot stays.
   */
  refresh(): Promise<Snapshot>;
}

/** What a store needs. */
export interface IndexStoreOptions extends Omit<BuildOptions, 'known' | 'progress'> {
  readonly log: Log;
  /** Told of every new snapshot, after it is served. */
  onSwap(snapshot: Snapshot): void;
}

export function createIndexStore(options: IndexStoreOptions): IndexStore {
  let snapshot: Snapshot | undefined;
  let known: KnownPackages = new Map();
  let progress: IndexState['progress'];
  let fault: string | undefined;
  let running: Promise<Snapshot> | undefined;
  let queued: Promise<Snapshot> | undefined;

  const build = async (): Promise<Snapshot> => {
    try {
      const result = await buildIndex({
        ...options,
        known,
        progress: (done, total) => void (progress = { done, total }),
      });
      known = result.known;
      fault = undefined;
      snapshot = createSnapshot(
        (snapshot?.generation ?? 0) + 1,
        result.items,
        result.quarantine,
        (item, first) =>
          options.log.warn(
            { 'event.action': 'package-duplicate', 'file.path': item.ref.path },
            `${item.ref.label}: ${item.record.name} ${item.record.version} was found before in ${first.ref.path}, which is served`,
          ),
      );
      options.onSwap(snapshot);
      return snapshot;
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      progress = undefined;
      running = undefined;
    }
  };

  const start = (): Promise<Snapshot> => {
    running = build();
    return running;
  };

  return {
    current: () => snapshot,
    state: () => ({ snapshot, progress, fault }),
    refresh: () => {
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
    },
  };
}
