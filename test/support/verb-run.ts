import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import type { Verb } from '../../src/cli/verb.ts';

/** What one run of a verb gave. */
export interface VerbRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

/** Runs a verb in this process as the command line would; rejects with what the verb throws. */
export const runVerb = async (verb: Verb, args: readonly string[]): Promise<VerbRun> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const program = new Command('fleet-depot')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
  let exitCode: number | undefined;
  verb.register(
    program,
    { stdout, stderr, env: {}, isTerminal: false, signal: new AbortController().signal },
    (code) => {
      exitCode = code;
    },
  );
  await program.parseAsync(['node', 'fleet-depot', ...args]);
  return {
    stdout: (stdout.read() as Buffer | null)?.toString() ?? '',
    stderr: (stderr.read() as Buffer | null)?.toString() ?? '',
    exitCode,
  };
};
