import type { Writable } from 'node:stream';
import type { Command } from 'commander';

/** What a verb may touch of the process it runs in, handed in so that tests can run verbs in process. */
export interface CommandIo {
  /** Results, and nothing else: what a pipe reads. */
  readonly stdout: Writable;
  /** Progress, warnings and errors. */
  readonly stderr: Writable;
  readonly env: NodeJS.ProcessEnv;
  /** True where stderr is a terminal: only then progress bars are drawn. */
  readonly isTerminal: boolean;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** The program's file and the words of this command line, to start further processes like this one. */
  readonly program?: string;
  readonly words?: readonly string[];
}

/** Exit codes of every verb. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, partly: 3 } as const;

/** One verb of the command line. */
export interface Verb {
  readonly name: string;
  /**
   * Adds the verb (and its sub-verbs, options and help) to the program. Actions report their exit code through
   * `finish`; a thrown DepotError is printed with its advice and ends with 1 (USAGE and SETTING_INVALID with 2).
   */
  register(program: Command, io: CommandIo, finish: (exitCode: number) => void): void;
}

/** 0 where all is well, 1 where nothing is, 3 where some of it is. */
export const exitCodeOf = (total: number, failed: number): number => {
  if (failed === 0 && total > 0) {
    return exitCodes.ok;
  }
  return failed === total ? exitCodes.failed : exitCodes.partly;
};
