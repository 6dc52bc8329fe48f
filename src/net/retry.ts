import { setTimeout as sleep } from 'node:timers/promises';
import { DepotError } from '../domain/errors.ts';
import { Transient } from './http.ts';

/** How often and how patiently a fault that may pass is met again. Times in milliseconds. */
export interface RetryPolicy {
  /** Attempts without progress, the first one included. */
  readonly attempts: number;
  /** Wait before the second attempt; doubles each time, with up to a quarter of jitter. */
  readonly firstDelay: number;
  readonly maxDelay: number;
  /** Longest `Retry-After` that is honoured; a longer one counts as a refusal. */
  readonly maxRetryAfter: number;
}

/** How patient a request is where nobody says otherwise. */
export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  firstDelay: 500,
  maxDelay: 30_000,
  maxRetryAfter: 300_000,
};

/**
 * Runs `attempt` until it succeeds or `policy.attempts` went by without progress. Only Transient is met again; what it
 * carries is thrown at the end. `attempt` calls `progressed()` when it got further than ever before.
 */
export async function withRetries<Result>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: (progressed: () => void) => Promise<Result>,
): Promise<Result> {
  for (let failures = 0; ;) {
    let progress = false;
    try {
      if (signal?.aborted) {
        throw new DepotError('INTERRUPTED');
      }
      return await attempt(() => (progress = true));
    } catch (error) {
      if (signal?.aborted) {
        throw new DepotError('INTERRUPTED', {}, error);
      }
      if (!(error instanceof Transient)) {
        throw error;
      }
      failures = progress ? 1 : failures + 1;
      const asked = error.retryAfter ?? 0;
      if (failures >= policy.attempts || asked > policy.maxRetryAfter) {
        throw error.error;
      }
      const backoff = Math.min(policy.maxDelay, policy.firstDelay * 2 ** (failures - 1));
      await pause(Math.max(asked, backoff * (1 + Math.random() / 4)), signal);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    throw new DepotError('INTERRUPTED', {}, error);
  }
}

/** Milliseconds that a `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date); undefined if absent or unreadable. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) {
    return undefined;
  }
  if (/^\d{1,9}$/.test(header.trim())) {
    return Number(header) * 1000;
  }
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
