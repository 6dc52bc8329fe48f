import { LRUCache } from 'lru-cache';

/** Counts failures of each client. */
export interface AttemptLimit {
  /** True where the client may try again now, if as many attempts as are on their way should fail. */
  allows(client: string, underWay?: number): boolean;
  failed(client: string): void;
}

/** How many failures are borne. */
export interface AttemptLimitOptions {
  /** Failures in a row. */
  readonly burst: number;
  /** Milliseconds until one more is borne. */
  readonly refill: number;
  /** Milliseconds by a clock that nobody sets: one that is set back must lock nobody out. */
  readonly now?: () => number;
}

const maxClients = 10_000;

/** A bucket of tokens for each client. The memory is bounded: the client that has not failed for longest is forgotten. */
export const createAttemptLimit = ({
  burst,
  refill,
  now = () => performance.now(),
}: AttemptLimitOptions): AttemptLimit => {
  const buckets = new LRUCache<string, { readonly tokens: number; readonly at: number }>({ max: maxClients });
  const tokensOf = (client: string): number => {
    const bucket = buckets.get(client);
    return bucket ? Math.min(burst, bucket.tokens + (now() - bucket.at) / refill) : burst;
  };
  return {
    allows: (client, underWay = 0) => tokensOf(client) - underWay >= 1,
    failed: (client) => void buckets.set(client, { tokens: Math.max(0, tokensOf(client) - 1), at: now() }),
  };
};
