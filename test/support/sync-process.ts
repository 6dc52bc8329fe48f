import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { abortOnSignals } from '../../src/cli/signals.ts';
import { createSyncVerb } from '../../src/cli/sync.ts';
import { loadKey, trustKey } from './sync-run.ts';

// `sync` as a process of its own, for tests that kill it: node sync-process.js KEYFILE WORDS…
const [keyFile = '', ...words] = process.argv.slice(2);
const program = new Command('fleet-depot');
const io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  isTerminal: false,
  signal: abortOnSignals(process),
};
createSyncVerb(trustKey(keyFile === '' ? '' : readFileSync(keyFile, 'utf8')), loadKey).register(
  program,
  io,
  (code) => {
    process.exitCode = code;
  },
);
await program.parseAsync(['sync', ...words], { from: 'user' });
