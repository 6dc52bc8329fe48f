import { serveArtifact } from '../artifact.ts';
import { peakMemory } from '../child.ts';
import { download, rateOf, type Downloaded } from '../downloads.ts';
import { median, percentile } from '../finding.ts';
import type { Line } from '../line.ts';
import { showNumber } from '../table.ts';

const clients = 500;
// 75 blocks of 4 MiB: 300 MB and a bit.
const blocks = 75;

/** A fleet that upgrades: rate, fairness and memory while all agents download at once. */
export const agentsLine: Line = {
  key: 'agents',
  needs: ['nginx'],
  run: async (stage) => {
    const { rounds, seconds } = stage.options;
    const served = await serveArtifact(stage, 'agents', blocks);
    try {
      const before = await served.depot.memory();
      const here: Downloaded[] = [];
      const nginx: Downloaded[] = [];
      const peak = await peakMemory(served.depot.pid, async () => {
        for (let round = 0; round < rounds; round++) {
          here.push(await download({ url: served.here, clients, seconds }));
          nginx.push(await download({ url: served.nginx, clients, seconds }));
        }
      });
      const title = `${clients} agents at once, a file of 300 MB`;
      const starved = here.flatMap(({ bytes }) => bytes).filter((count) => count === 0).length;
      return [
        {
          key: 'agents',
          title,
          unit: 'MB/s',
          value: median(here.map(rateOf)),
          yardstick: { name: 'nginx', value: median(nginx.map(rateOf)) },
          wanted: { of: 'ratio', least: 0.5 },
          faults: [
            ...new Set(here.flatMap(({ faults }) => faults)),
            ...(starved === 0 ? [] : [`${starved} times an agent got nothing in ${seconds} s`]),
          ],
          note: `of all agents 5 % had less, half had less, 5 % had more than ${showSpread(here)} MB after ${seconds} s; with nginx ${showSpread(nginx)} MB`,
        },
        {
          key: 'agents',
          title: `${title}: growth of memory`,
          unit: 'MB',
          value: peak - before,
          wanted: { of: 'value', most: 100 },
          faults: [],
          note: `from ${showNumber(before)} MB to ${showNumber(peak)} MB`,
        },
      ];
    } finally {
      await served.stop();
    }
  },
};

/** 5th percentile, median and 95th of what a client got, each the median of the rounds. */
const showSpread = (runs: readonly Downloaded[]): string =>
  [0.05, 0.5, 0.95]
    .map((share) => showNumber(median(runs.map(({ bytes }) => percentile(bytes, share) / 1e6))))
    .join(', ');
