import { setTimeout } from 'node:timers/promises';
import type { BuildOptions, BuildResult } from './build.ts';
import { buildIndex } from './build.ts';
import type { IndexCache } from './index-cache.ts';
import { createSettling, settleTime } from './settling.ts';

/** What was built, and whether it was kept. */
export interface OfflineBuild extends BuildResult {
  readonly isSaved: boolean;
  /** Packages that were looked into, in all looks. */
  readonly looked: number;
}

/** What building without a server needs. */
export type OfflineOptions = Pick<BuildOptions, 'source' | 'pool' | 'rules' | 'log' | 'progress'> & {
  readonly signal: AbortSignal;
};

// As the server does: after that, what is not whole is broken.
const maxLooks = 40;

/**
 * Builds the index from what is kept and what is there, and keeps it. Looks again while files are settling, so that the
 * next start has nothing left to do. Ended by the signal it keeps what it has.
 */
export async function buildOffline(cache: IndexCache, options: OfflineOptions): Promise<OfflineBuild> {
  const settling = createSettling();
  let known = (await cache.load()) ?? new Map();
  let looked = 0;
  for (let look = 1; ; look++) {
    const result = await buildIndex({
      ...options,
      known,
      isFirst: false,
      isServing: false,
      settling,
      served: () => undefined,
      onKnown: () => undefined,
    });
    known = new Map(result.known);
    looked += result.read;
    if (result.settling + result.young === 0 || result.isAborted || look === maxLooks) {
      return { ...result, looked, isSaved: await cache.save(result.known) };
    }
    await setTimeout(settleTime / 3, undefined, { signal: options.signal }).catch(() => undefined);
  }
}
