import type { Downloaded } from '../downloads.ts';
import { median, percentile } from '../finding.ts';
import { measureLargeFile } from '../large-file.ts';
import type { Line } from '../line.ts';
import { showNumber } from '../table.ts';

const clients = 500;

/** A fleet that upgrades: rate, fairness and memory while all agents download at once. */
export const agentsLine: Line = {
  key: 'agents',
  needs: ['nginx'],
  run: (stage) => {
    const { seconds } = stage.options;
    return measureLargeFile(stage, {
      key: 'agents',
      title: `${clients} agents at once, a file of 300 MB`,
      // 75 blocks of 4 MiB: 300 MB and a bit.
      blocks: 75,
      clients,
      seconds,
      remark: (here, nginx) => {
        const starved = here.flatMap(({ bytes }) => bytes).filter((count) => count === 0).length;
        return {
          faults: starved === 0 ? [] : [`${starved} times an agent got nothing in ${seconds} s`],
          note: `of all agents 5 % had less, half had less, 5 % had more than ${showSpread(here)} MB after ${seconds} s; with nginx ${showSpread(nginx)} MB`,
        };
      },
    });
  },
};

/** 5th percentile, median and 95th of what a client got, each the median of the rounds. */
const showSpread = (runs: readonly Downloaded[]): string =>
  [0.05, 0.5, 0.95]
    .map((share) => showNumber(median(runs.map(({ bytes }) => percentile(bytes, share) / 1e6))))
    .join(', ');
