import { setTimeout as sleep } from 'node:timers/promises';
import { median, type Finding } from './finding.ts';
import type { Stage } from './stage.ts';

/** What is asked of a start: seconds to ready, and MB after it. */
export interface StartBounds {
  readonly ready: number;
  readonly memory: number;
}

export interface StartLine {
  readonly key: string;
  /** `first start, 1,692 versions` */
  readonly title: string;
  readonly packagePaths: readonly string[];
  /** Asked for each start: an empty folder, or one with an index. */
  cacheDir(): Promise<string>;
  readonly bounds: StartBounds;
}

// Processes that read packages have gone by then.
const settle = 1500;

/** Starts a server several times: how long until it serves, and how much memory it has a moment later. */
export async function measureStarts(stage: Stage, line: StartLine): Promise<Finding[]> {
  const ready: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < stage.options.rounds; round++) {
    const depot = await stage.ownDepot(line.packagePaths, await line.cacheDir());
    await sleep(settle);
    ready.push(depot.ready);
    memory.push(await depot.memory());
    await depot.stop();
  }
  return [
    {
      key: line.key,
      title: `${line.title}: to ready`,
      unit: 's',
      value: median(ready),
      wanted: { of: 'value', most: line.bounds.ready },
      faults: [],
    },
    {
      key: line.key,
      title: `${line.title}: memory after it`,
      unit: 'MB',
      value: median(memory),
      wanted: { of: 'value', most: line.bounds.memory },
      faults: [],
    },
  ];
}
