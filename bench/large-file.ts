import { serveArtifact } from './artifact.ts';
import { peakMemory } from './child.ts';
import { download, rateOf, type Downloaded } from './downloads.ts';
import { median, type Finding } from './finding.ts';
import type { Stage } from './stage.ts';
import { showNumber } from './table.ts';

/** A file that is downloaded from here and from nginx in turn. */
export interface LargeFile {
  readonly key: string;
  readonly title: string;
  /** Of 4 MiB. */
  readonly blocks: number;
  readonly clients: number;
  /** Clients are cut after so long. */
  readonly seconds: number;
  /** What the runs show beside their rate. */
  remark?(
    here: readonly Downloaded[],
    nginx: readonly Downloaded[],
  ): Partial<Pick<Finding, 'faults' | 'note'>>;
}

/** The rate of all clients together beside nginx, and what the server's memory grew by meanwhile. */
export async function measureLargeFile(stage: Stage, file: LargeFile): Promise<Finding[]> {
  const { key, title, clients, seconds } = file;
  const served = await serveArtifact(stage, key, file.blocks);
  try {
    const before = await served.depot.memory();
    const here: Downloaded[] = [];
    const nginx: Downloaded[] = [];
    const peak = await peakMemory(served.depot.pid, async () => {
      for (let round = 0; round < stage.options.rounds; round++) {
        here.push(await download({ url: served.here, clients, seconds }));
        nginx.push(await download({ url: served.nginx, clients, seconds }));
      }
    });
    const { faults = [], ...remark } = file.remark?.(here, nginx) ?? {};
    return [
      {
        key,
        title,
        unit: 'MB/s',
        value: median(here.map(rateOf)),
        yardstick: { name: 'nginx', value: median(nginx.map(rateOf)) },
        wanted: { of: 'ratio', least: 0.5 },
        faults: [...new Set(here.flatMap((run) => run.faults)), ...faults],
        ...remark,
      },
      {
        key,
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
}
