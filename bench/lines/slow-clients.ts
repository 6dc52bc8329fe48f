import { setTimeout as sleep } from 'node:timers/promises';
import { peakMemory } from '../child.ts';
import type { Line } from '../line.ts';
import { startSlowClient } from '../slow-client.ts';
import { showNumber } from '../table.ts';

const clients = 64;
const bytesPerSecond = 10_000;
const length = 10_000;

/** Many clients on slow lines that take the largest archives: each may cost its buffers, not its archive. */
export const slowClientsLine: Line = {
  key: 'slow-clients',
  needs: [],
  run: async (stage) => {
    const depot = await stage.ownDepot([stage.corpus.folder], await stage.warmCache());
    try {
      const largest = stage.corpus.archives.toSorted((a, b) => b.bytes - a.bytes).slice(0, 4);
      const before = await depot.memory();
      let taken = 0;
      let starved = 0;
      const peak = await peakMemory(depot.pid, async () => {
        const running = await Promise.all(
          Array.from({ length: clients }, (_, index) =>
            startSlowClient(depot.url, `/epr/any/${largest[index % largest.length]?.file}`, bytesPerSecond),
          ),
        );
        await sleep(length);
        for (const client of running) {
          taken += client.taken();
          starved += client.taken() < (bytesPerSecond * length) / 2000 ? 1 : 0;
          client.leave();
        }
      });
      return [
        {
          key: 'slow-clients',
          title: `${clients} clients that read 14 MB archives at 10 KB/s: growth of memory`,
          unit: 'MB',
          value: peak - before,
          wanted: { of: 'value', most: 64 },
          faults: starved === 0 ? [] : [`${starved} clients got less than half of what they asked for`],
          note: `${showNumber(before)} MB before; a client took ${showNumber(taken / clients / 1000)} KB in ${length / 1000} s`,
        },
      ];
    } finally {
      await depot.stop();
    }
  },
};
