import { DepotError } from '../../domain/errors.ts';
import { dismiss } from '../../net/http.ts';
import { withRetries } from '../../net/retry.ts';
import { requestWithin } from '../../net/upstream-hosts.ts';
import { eachConcurrently } from './pool.ts';
import type { SmallFetch } from './small-fetch.ts';

/** What a HEAD says of a file. */
export interface Presence {
  /** The upstream says that it doesn't have it (404, 410). */
  readonly isAbsent: boolean;
  /** Undefined where the upstream doesn't tell. */
  readonly size?: number;
}

/** Asks with a HEAD. Throws DepotError where nothing answers. */
export const askPresence = (url: URL, deps: SmallFetch): Promise<Presence> =>
  withRetries(deps.retry, deps.signal, async () => {
    const answer = await requestWithin(
      deps.client,
      { url, method: 'HEAD', ...(deps.signal ? { signal: deps.signal } : {}) },
      deps.policy,
    );
    dismiss(answer);
    const isAbsent = answer.status === 404 || answer.status === 410;
    const length = answer.headers['content-length'];
    return answer.status === 200 && length !== undefined && /^\d{1,15}$/.test(length)
      ? { isAbsent, size: Number(length) }
      : { isAbsent };
  });

/**
 * Asks for many files, `width` at a time. What can't be asked is left out: nothing depends on it. Throws INTERRUPTED alone.
 */
export async function askPresences<Item>(
  items: readonly Item[],
  width: number,
  ask: (item: Item) => Promise<Presence>,
): Promise<ReadonlyMap<Item, Presence>> {
  const answers = new Map<Item, Presence>();
  let silent = 0;
  let sizes = 0;
  await eachConcurrently(items, width, async (item) => {
    // An upstream that doesn't answer HEAD isn't asked a thousand times.
    if (silent >= 10 && sizes === 0) {
      return;
    }
    try {
      const presence = await ask(item);
      answers.set(item, presence);
      if (presence.size === undefined) {
        silent++;
      } else {
        sizes++;
      }
    } catch (error) {
      if (error instanceof DepotError && error.code === 'INTERRUPTED') {
        throw error;
      }
      silent++;
    }
  });
  return answers;
}
