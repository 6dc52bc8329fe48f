import { copyFile, link, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askRaw } from '../ask.ts';
import { spread, type Archive } from '../corpus.ts';
import { median } from '../finding.ts';
import type { Line } from '../line.ts';
import { runLoad } from '../wrk.ts';

const newcomers = 300;
/** Seconds of load while they come in; they are spread over most of it. */
const length = 12;
const pause = 25;
const patience = 60_000;

/** `/search` while packages are copied into the served folder. */
export const newcomersLine: Line = {
  key: 'newcomers',
  needs: ['wrk'],
  run: async (stage) => {
    const { archives } = stage.corpus;
    const late = new Set(spread(archives, newcomers));
    const folder = join(stage.scratch, 'served');
    await mkdir(folder);
    await Promise.all(archives.filter((one) => !late.has(one)).map((one) => linkInto(folder, one)));
    const depot = await stage.ownDepot([folder], await stage.emptyFolder());
    try {
      const url = `${depot.url}/search`;
      const quiet = { url, seconds: stage.options.seconds };
      await runLoad(quiet);
      const before = await runLoad(quiet);
      const [busy] = await Promise.all([runLoad({ url, seconds: length }), copyInto(folder, [...late])]);
      const missing = await waitForVersions(depot.url, archives.length);
      const after = await runLoad(quiet);
      return [
        {
          key: 'newcomers',
          title: `p99 of /search while ${late.size} packages come in, beside p99 before and after`,
          unit: 'ms',
          value: busy.p99,
          yardstick: { name: 'quiet', value: median([before.p99, after.p99]) },
          wanted: { of: 'ratio', most: 3 },
          faults: [...busy.faults, ...(missing === 0 ? [] : [`${missing} packages never came`])],
        },
      ];
    } finally {
      await depot.stop();
    }
  },
};

/** A link costs nothing; between file systems it must be a copy. */
const linkInto = (folder: string, { file, path }: Archive): Promise<void> =>
  link(path, join(folder, file)).catch(() => copyFile(path, join(folder, file)));

async function copyInto(folder: string, archives: readonly Archive[]): Promise<void> {
  for (const { file, path } of archives) {
    await copyFile(path, join(folder, file));
    await sleep(pause);
  }
}

/** How many are still missing when all have come, or patience has ended. */
async function waitForVersions(url: string, wanted: number): Promise<number> {
  const end = performance.now() + patience;
  for (;;) {
    const { bytes } = await askRaw(`${url}/health`);
    const { versions } = JSON.parse(bytes.toString()) as { versions: number };
    if (versions >= wanted || performance.now() > end) {
      return wanted - versions;
    }
    await sleep(200);
  }
}
