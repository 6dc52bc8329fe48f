import { Agent } from 'node:http';
import { askRaw } from './ask.ts';
import type { Depot } from './depot.ts';
import { median, percentile } from './finding.ts';
import { newSearches } from './new-searches.ts';

/** Latencies in milliseconds, over one connection, one request at a time. */
export interface SearchTimes {
  readonly middle: number;
  readonly p95: number;
  readonly faults: readonly string[];
}

const warmUp = 60;
const counted = 300;

/** Asks searches that were never asked before. */
export async function measureNewSearches({ url }: Pick<Depot, 'url'>): Promise<SearchTimes> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  const faults = new Set<string>();
  for (const path of newSearches('never', warmUp + counted)) {
    const start = performance.now();
    const { status } = await askRaw(url + path, {}, agent);
    times.push(performance.now() - start);
    if (status !== 200) {
      faults.add(`status ${status}`);
    }
  }
  agent.destroy();
  const taken = times.slice(warmUp);
  return { middle: median(taken), p95: percentile(taken, 0.95), faults: [...faults] };
}
