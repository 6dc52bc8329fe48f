import { median } from './finding.ts';
import { runLoad, type Load, type LoadResult } from './wrk.ts';

/** Medians of several runs of one load. */
export interface Measured {
  readonly perSecond: number;
  readonly p99: number;
  readonly faults: readonly string[];
}

/**
 * Runs the loads in turn, A/B/A/B: what else happens on the machine hits all of them alike. The first short run of each is
 * thrown away.
 */
export async function measureInTurn(loads: readonly Load[], rounds: number): Promise<Measured[]> {
  for (const load of loads) {
    await runLoad({ ...load, seconds: 1 });
  }
  const runs: LoadResult[][] = loads.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, load] of loads.entries()) {
      runs[index]?.push(await runLoad(load));
    }
  }
  return runs.map((results) => ({
    perSecond: median(results.map((result) => result.perSecond)),
    p99: median(results.map((result) => result.p99)),
    faults: [...new Set(results.flatMap((result) => result.faults))],
  }));
}
