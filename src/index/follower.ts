import type { PackageSource } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import { buildIndex } from './build.ts';
import type { IndexCache } from './index-cache.ts';
import type { Snapshot } from './snapshot.ts';
import { createSettling } from './settling.ts';
import { createSnapshotMaker } from './snapshot.ts';
import type { IndexState, IndexStore } from './store.ts';

/** What the process that reads the packages tells the others of its index. */
export interface IndexNews {
  /** Of the snapshot whose packages are in the index file; 0 before the first. */
  readonly generation: number;
  /** Versions in that snapshot. */
  readonly versions: number;
  readonly progress: IndexState['progress'];
  readonly fault: string | undefined;
}

/** An index that judges nothing: it takes what another process has written. */
export interface FollowingIndex extends IndexStore {
  /** Takes the news; a new generation is loaded and swapped in. */
  follow(news: IndexNews): Promise<void>;
}

/** What a follower needs. */
export interface FollowerOptions {
  readonly source: PackageSource;
  /** The same file that the reading process writes. */
  readonly cache: IndexCache;
  readonly log: Log;
  onSwap(snapshot: Snapshot): void;
  /** Asks the reading process to look for changes. */
  askRefresh(): void;
  /** Asks it to write the file again, which can't be read. */
  askIndex(): void;
}

/** The index of a process that serves what another one reads. */
export function createFollowingIndex({
  source,
  cache,
  log,
  onSwap,
  askRefresh,
  askIndex,
}: FollowerOptions): FollowingIndex {
  let snapshot: Snapshot | undefined;
  let news: IndexNews = { generation: 0, versions: 0, progress: undefined, fault: undefined };
  let waiting: ((first: Snapshot) => void)[] = [];
  let loading: Promise<void> = Promise.resolve();
  let isLost = false;
  const makeSnapshot = createSnapshotMaker(() => undefined);

  /** A folder that was cleaned, or a file of another version of the program. Each news that follow are a further attempt. */
  const lose = (problem: string): void => {
    askIndex();
    if (!isLost) {
      isLost = true;
      log.warn(
        { 'event.action': 'index-not-taken', 'file.path': cache.file },
        `the index ${cache.file} can't be taken over and is written again: ${problem}`,
      );
    }
  };

  const load = async (): Promise<void> => {
    const { generation } = news;
    if (generation === 0 || generation === snapshot?.generation) {
      return;
    }
    const { known, problem } = await cache.read();
    if (!known) {
      lose(problem);
      return;
    }
    isLost = false;
    // What changed since the file was written isn't known here yet; the next news have it.
    const pool = { judge: () => Promise.resolve() };
    const quiet = (): void => undefined;
    const rules = undefined as never;
    const settling = createSettling();
    const served = (): undefined => undefined;
    const found = await buildIndex({
      source,
      pool,
      rules,
      known,
      log,
      isFirst: true,
      isServing: false,
      settling,
      served,
      progress: quiet,
      onKnown: quiet,
    });
    // A disk that is away right now hides what the others go on serving: better to wait than to say that it doesn't exist.
    if (news.fault !== undefined && found.items.length < news.versions) {
      return;
    }
    const loaded = makeSnapshot(generation, found.items, found.quarantine);
    snapshot = loaded;
    onSwap(loaded);
    for (const resolve of waiting) {
      resolve(loaded);
    }
    waiting = [];
  };

  return {
    state: () => ({ snapshot, progress: news.progress, fault: news.fault }),
    refresh: () => {
      askRefresh();
      return snapshot ? Promise.resolve(snapshot) : new Promise((resolve) => waiting.push(resolve));
    },
    follow: (latest) => {
      news = latest;
      loading = loading.then(load).catch((error: unknown) => {
        log.error({ 'event.action': 'index-failed', err: error }, 'the new index could not be taken over');
      });
      return loading;
    },
    close: () => loading,
  };
}
