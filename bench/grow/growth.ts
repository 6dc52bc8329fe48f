import { peakMemory } from '../child.ts';
import { median } from '../finding.ts';
import { measureNewSearches } from '../new-search-times.ts';
import type { Stage } from '../stage.ts';
import { runLoad } from '../wrk.ts';
import { grownPaths, grownSizes } from './grown-corpus.ts';

/** What one size costs. */
export interface Growth {
  readonly versions: number;
  /** Seconds from the start of the process to ready, without and with an index on disk. */
  readonly firstStart: number;
  readonly restart: number;
  /** MB, a moment after the restart and while `/search` is asked. */
  readonly memory: number;
  readonly memoryUnderLoad: number;
  /** Median milliseconds of a search that was never asked before. */
  readonly newSearch: number;
  /** Requests per second of `/search` and of one package, from memory. */
  readonly keptSearch: number;
  readonly keptPackage: number;
}

/** The sizes that were asked for, all where none were. Throws an error that lists them. */
export function chooseSizes(words: readonly string[]): readonly number[] {
  const unknown = words.find((word) => !grownSizes.some((size) => String(size) === word));
  if (unknown !== undefined) {
    throw new Error(`grow takes sizes out of ${grownSizes.join(', ')}, not ${unknown}`);
  }
  return words.length === 0 ? grownSizes : words.map(Number).toSorted((a, b) => a - b);
}

/** Measures every size with made packages of the same kind, so that only their number differs. */
export async function measureGrowth(stage: Stage): Promise<Growth[]> {
  const found: Growth[] = [];
  for (const versions of chooseSizes(stage.options.lines)) {
    found.push(await measureSize(stage, versions));
    stage.note(`${versions} versions are measured`);
  }
  return found;
}

async function measureSize(stage: Stage, versions: number): Promise<Growth> {
  const packagePaths = await grownPaths(stage, versions);
  const cacheDir = await stage.emptyFolder();
  const first = await stage.ownDepot(packagePaths, cacheDir);
  await first.stop();
  const restarts: number[] = [];
  for (let round = 1; round < stage.options.rounds; round++) {
    const again = await stage.ownDepot(packagePaths, cacheDir);
    await again.stop();
    restarts.push(again.ready);
  }
  const depot = await stage.ownDepot(packagePaths, cacheDir);
  restarts.push(depot.ready);
  try {
    const memory = await depot.memory();
    const { middle } = await measureNewSearches(depot);
    const kept = async (path: string): Promise<number> => {
      const rates: number[] = [];
      for (let round = 0; round < stage.options.rounds; round++) {
        rates.push((await runLoad({ url: depot.url + path, seconds: stage.options.seconds })).perSecond);
      }
      return median(rates);
    };
    let [keptSearch, keptPackage] = [Number.NaN, Number.NaN];
    const memoryUnderLoad = await peakMemory(depot.pid, async () => {
      keptSearch = await kept('/search');
      keptPackage = await kept('/search?package=log&prerelease=false&kibana.version=8.4.0');
    });
    return {
      versions,
      firstStart: first.ready,
      restart: median(restarts),
      memory,
      memoryUnderLoad,
      newSearch: middle,
      keptSearch,
      keptPackage,
    };
  } finally {
    await depot.stop();
  }
}
