import { fileURLToPath } from 'node:url';
import { runProgram } from './cli/program.ts';
import { abortOnSignals } from './cli/signals.ts';

// A reader that has seen enough (`| head`) is no error of ours.
process.stdout.on('error', () => process.exit(0));

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  isTerminal: process.stderr.isTTY,
  signal: abortOnSignals(process),
  program: fileURLToPath(import.meta.url),
  words: process.argv.slice(2),
});

// A handle that somebody forgot must not keep a stopped server alive.
setTimeout(() => process.exit(), 2000).unref();
