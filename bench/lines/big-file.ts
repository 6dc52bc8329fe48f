import { serveArtifact } from '../artifact.ts';
import { peakMemory } from '../child.ts';
import { download, rateOf, type Downloaded } from '../downloads.ts';
import { median } from '../finding.ts';
import type { Line } from '../line.ts';
import { showNumber } from '../table.ts';

// 500 blocks of 4 MiB: 2 GB and a bit.
const blocks = 500;
const patience = 120;

/** One client and a file that no memory should hold. */
export const bigFileLine: Line = {
  key: 'big-file',
  needs: ['nginx'],
  run: async (stage) => {
    const served = await serveArtifact(stage, 'big-file', blocks);
    try {
      const before = await served.depot.memory();
      const here: Downloaded[] = [];
      const nginx: Downloaded[] = [];
      const peak = await peakMemory(served.depot.pid, async () => {
        for (let round = 0; round < stage.options.rounds; round++) {
          here.push(await download({ url: served.here, clients: 1, seconds: patience }));
          nginx.push(await download({ url: served.nginx, clients: 1, seconds: patience }));
        }
      });
      const title = 'one file of 2 GB';
      return [
        {
          key: 'big-file',
          title,
          unit: 'MB/s',
          value: median(here.map(rateOf)),
          yardstick: { name: 'nginx', value: median(nginx.map(rateOf)) },
          wanted: { of: 'ratio', least: 0.5 },
          faults: [...new Set(here.flatMap(({ faults }) => faults))],
        },
        {
          key: 'big-file',
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
