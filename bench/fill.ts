import { peakMemory } from './child.ts';
import { spread } from './corpus.ts';
import type { Depot } from './depot.ts';
import type { Stage } from './stage.ts';
import { newSearches } from './new-searches.ts';
import { askInTurn, runLoad } from './wrk.ts';

/** Asks for more than all caches hold, of every kind; the most memory in MB that the server had meanwhile. */
export async function fillCaches(
  stage: Stage,
  depot: Depot,
): Promise<{ readonly peak: number; readonly faults: readonly string[] }> {
  const { archives } = stage.corpus;
  const references = archives.map(({ file }) => /^(.+)-(\d+\..+)\.zip$/.exec(file)?.slice(1) ?? []);
  const kinds: Readonly<Record<string, readonly string[]>> = {
    searches: newSearches('fill', 2000),
    packages: references.map(([name, version]) => `/package/${name}/${version}/`),
    readmes: references.map(([name, version]) => `/package/${name}/${version}/docs/README.md`),
    // Twice, since only what is asked for again is kept.
    archives: spread(archives, 1000).flatMap(({ file }) => [`/epr/any/${file}`, `/epr/any/${file}`]),
  };
  const faults: string[] = [];
  const peak = await peakMemory(depot.pid, async () => {
    for (const [kind, paths] of Object.entries(kinds)) {
      const script = await askInTurn(stage.scratch, kind, paths);
      for (const headers of [{}, { 'Accept-Encoding': 'gzip' }]) {
        const { seconds } = stage.options;
        const result = await runLoad({ url: depot.url, seconds, headers, script });
        faults.push(...result.faults.map((fault) => `${kind}: ${fault}`));
      }
    }
  });
  return { peak, faults };
}
