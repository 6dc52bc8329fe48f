import type { Finding } from './finding.ts';
import type { Stage } from './stage.ts';

/** A program that a line needs beside Node. */
export type Need = 'wrk' | 'nginx' | 'curl';

/** Something that is measured: one line of the table, or some that are measured together. */
export interface Line {
  /** What it is called on the command line. */
  readonly key: string;
  readonly needs: readonly Need[];
  run(stage: Stage): Promise<Finding[]>;
}
