import type { ExecutionContext } from 'ava';
import { createContentChecker } from '../../src/artifacts/content-pool.ts';
import { createVolatileMemory, type DigestMemory } from '../../src/artifacts/digest-memory.ts';
import { createArtifactStore, type ArtifactStore } from '../../src/artifacts/store.ts';
import type { ArtifactRoots } from '../../src/artifacts/mounts.ts';
import { createKeptLog, type KeptLog } from './kept-log.ts';

/** A store over real folders, listed and read. */
export interface TestStore extends ArtifactStore {
  readonly log: KeptLog;
  rescan(): Promise<void>;
  /** State and reasons of a path. */
  stateOf(path: string): string | undefined;
}

export const openStore = async (
  t: ExecutionContext,
  roots: ArtifactRoots,
  options: {
    readonly memory?: DigestMemory;
    readonly policy?: 'strict' | 'lenient';
    readonly untilRead?: boolean;
    readonly now?: () => number;
    readonly steady?: () => number;
    readonly interval?: number;
  } = {},
): Promise<TestStore> => {
  const log = createKeptLog();
  const store = createArtifactStore({
    roots,
    policy: options.policy ?? 'strict',
    memory: options.memory ?? createVolatileMemory(),
    checker: createContentChecker(),
    log,
    ...(options.now ? { now: options.now } : {}),
    ...(options.steady ? { steady: options.steady } : {}),
    ...(options.interval === undefined ? {} : { interval: options.interval }),
  });
  t.teardown(() => store.close());
  const rescan = async (): Promise<void> => {
    await store.refresh();
    await store.settled();
  };
  await (options.untilRead === false ? store.refresh() : rescan());
  return {
    ...store,
    log,
    rescan,
    stateOf: (path) => {
      const found = store.find(path);
      return found && [found.state, ...found.reasons].join(': ');
    },
  };
};
