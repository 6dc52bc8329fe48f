import { measureLargeFile } from '../large-file.ts';
import type { Line } from '../line.ts';

/** One client and a file that no memory should hold. */
export const bigFileLine: Line = {
  key: 'big-file',
  needs: ['nginx'],
  run: (stage) =>
    // 500 blocks of 4 MiB: 2 GB and a bit.
    measureLargeFile(stage, {
      key: 'big-file',
      title: 'one file of 2 GB',
      blocks: 500,
      clients: 1,
      seconds: 120,
    }),
};
