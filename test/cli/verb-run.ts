import { Writable } from 'node:stream';
import { Command } from 'commander';
import { DepotError } from '../../src/domain/errors.ts';
import type { CommandIo, Verb } from '../../src/cli/verb.ts';

/** What one run of a verb gave. */
export interface VerbRun {
  readonly stdout: string;
  readonly stderr: string;
  /** What the verb reported; undefined where it threw. */
  readonly exitCode: number | undefined;
  readonly error: DepotError | undefined;
}

/** Runs a verb in process, in a program that has nothing else. Anything but a DepotError is passed on. */
export const runVerb = async (
  verb: Verb,
  args: readonly string[],
  io: Partial<CommandIo> = {},
): Promise<VerbRun> => {
  const [stdout, stderr] = [collector(), collector()];
  let exitCode: number | undefined;
  const program = new Command('fleet-depot')
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  verb.register(
    program,
    {
      stdout: stdout.stream,
      stderr: stderr.stream,
      env: {},
      isTerminal: false,
      signal: new AbortController().signal,
      ...io,
    },
    (code) => {
      exitCode = code;
    },
  );
  let error: DepotError | undefined;
  try {
    await program.parseAsync([verb.name, ...args], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof DepotError)) {
      throw thrown;
    }
    error = thrown;
  }
  return { stdout: stdout.text(), stderr: stderr.text(), exitCode, error };
};

const collector = (): { readonly stream: Writable; text(): string } => {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
};
