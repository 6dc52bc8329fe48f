import { peakMemory } from '../child.ts';
import { spread, type Archive } from '../corpus.ts';
import type { Line } from '../line.ts';
import { measureInTurn } from '../rounds.ts';
import { showNumber } from '../table.ts';
import { askInTurn } from '../wrk.ts';

// The size that the line is named for; the nearest one is taken.
const hotBytes = 1_900_000;

const depotPath = ({ file }: Archive): string => `/epr/${file.slice(0, file.lastIndexOf('-'))}/${file}`;
const nginxPath = ({ file }: Archive): string => `/${file}`;

/** Whole archives, beside nginx that serves the same files. */
export const archiveLines: readonly Line[] = [
  {
    key: 'archive-hot',
    needs: ['wrk', 'nginx'],
    run: async (stage) => {
      const { rounds, seconds } = stage.options;
      const distance = ({ bytes }: Archive): number => Math.abs(bytes - hotBytes);
      const archive = stage.corpus.archives.reduce((best, one) =>
        distance(one) < distance(best) ? one : best,
      );
      const [here, nginx] = await measureInTurn(
        [
          { url: (await stage.depot()).url + depotPath(archive), seconds },
          { url: (await stage.nginx()).url + nginxPath(archive), seconds },
        ],
        rounds,
      );
      return [
        {
          key: 'archive-hot',
          title: 'archive of 1.9 MB, hot',
          unit: 'req/s',
          value: here?.perSecond ?? Number.NaN,
          yardstick: { name: 'nginx', value: nginx?.perSecond ?? Number.NaN },
          wanted: { of: 'ratio', least: 1 },
          faults: here?.faults ?? [],
        },
      ];
    },
  },
  {
    key: 'archives-cold',
    needs: ['wrk', 'nginx'],
    run: async (stage) => {
      const { rounds, seconds } = stage.options;
      const archives = spread(stage.corpus.archives, 1000);
      const depot = await stage.ownDepot([stage.corpus.folder], await stage.warmCache());
      try {
        const { url } = await stage.nginx();
        const loads = [
          {
            url: depot.url,
            seconds,
            script: await askInTurn(stage.scratch, 'cold-here', archives.map(depotPath)),
          },
          { url, seconds, script: await askInTurn(stage.scratch, 'cold-nginx', archives.map(nginxPath)) },
        ];
        const before = await depot.memory();
        let measured: Awaited<ReturnType<typeof measureInTurn>> = [];
        const peak = await peakMemory(depot.pid, async () => {
          measured = await measureInTurn(loads, rounds);
        });
        const [here, nginx] = measured;
        const title = `${showNumber(archives.length)} different archives, cold`;
        return [
          {
            key: 'archives-cold',
            title,
            unit: 'req/s',
            value: here?.perSecond ?? Number.NaN,
            yardstick: { name: 'nginx', value: nginx?.perSecond ?? Number.NaN },
            wanted: { of: 'ratio', least: 0.5 },
            faults: here?.faults ?? [],
          },
          {
            key: 'archives-cold',
            title: `${title}: growth of memory`,
            unit: 'MB',
            value: peak - before,
            wanted: { of: 'value', most: 100 },
            faults: [],
            note: `from ${showNumber(before)} MB to ${showNumber(peak)} MB`,
          },
        ];
      } finally {
        await depot.stop();
      }
    },
  },
];
