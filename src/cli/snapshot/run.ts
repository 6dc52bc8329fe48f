import type { Depot } from '../../depot/depot.ts';
import { printJson, printLines } from '../depot-report.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

/** What all of `fleet-depot snapshot` take. */
export interface Flags {
  readonly depot: string;
  readonly json?: boolean;
}

/** One of them: flags and arguments in, a report and an exit code out. */
export type Run = (
  depot: Depot,
  flags: Flags,
  args: readonly (string | undefined)[],
  io: CommandIo,
) => Promise<number>;

/** Tells that a change is made. */
export const done = (io: CommandIo, flags: Flags, value: unknown, line: string): number => {
  if (flags.json === true) {
    printJson(io, value);
  } else {
    printLines(io, line);
  }
  return exitCodes.ok;
};
