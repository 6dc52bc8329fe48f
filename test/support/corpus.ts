import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { sharedFolder } from './shared.ts';

/** Runs a program to its end. Rejects where it can't be started. */
const run = async (
  program: string,
  words: readonly string[],
): Promise<{ code: number | null; output: string }> => {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), code]);
  return { code: await code, output: stdout + stderr };
};

/**
 * A folder with a set of the shared packages, unpacked once for this machine and kept for the next run. Undefined where the
 * sets, or what unpacks them, are absent: the test has then passed with a line that says so.
 */
export const unpackShared = async (
  t: ExecutionContext,
  set: 'modern' | 'lite' | 'invalid',
): Promise<string | undefined> => {
  const program = sharedFolder('corpus', 'unpack');
  if (program === undefined) {
    t.log('skipped: the shared packages are not beside the repository');
    t.pass();
    return undefined;
  }
  const folder = join(tmpdir(), `fleet-depot-corpus-${process.getuid?.() ?? ''}`, set);
  await mkdir(folder, { recursive: true });
  // Tests of several files run at once, and one is to unpack while the others wait.
  const { code, output } = await run('flock', [`${folder}.lock`, program, set, folder]).catch(
    (error: unknown) => ({
      code: 1,
      output: String(error),
    }),
  );
  if (code !== 0) {
    t.log(`skipped: ${program} ${set} needs flock, zstd and python3: ${output.slice(0, 300)}`);
    t.pass();
    return undefined;
  }
  return folder;
};

/** Runs the shared conformance cases against a server; the output ends with `N passed, N failed`. */
export const runConformance = async (url: string, cases: string): Promise<string> => {
  const program = sharedFolder('conformance', 'run.mjs') ?? '';
  return (await run(process.execPath, [program, url, cases, '--diffs', '10'])).output;
};
