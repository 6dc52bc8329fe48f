import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Command, CommanderError } from 'commander';
import type { LoadSigner } from '../../src/cli/signer-loader.ts';
import type { SyncTrust } from '../../src/cli/sync/run.ts';
import { createSyncVerb } from '../../src/cli/sync.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { createSigner } from '../../src/signing/signer.ts';

export interface SyncRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The error that ended the verb, where one did. */
  readonly error: DepotError | undefined;
  /** The parsed stdout of a run with --json. */
  readonly json: SyncJson;
}

export interface SyncJson {
  readonly plan: {
    readonly totals: Record<string, { readonly items: number; readonly bytes: number }>;
    readonly packages: readonly {
      readonly name: string;
      readonly version: string;
      readonly state: string;
      readonly size: number | null;
    }[];
    readonly unwanted: readonly { readonly id: string; readonly size: number }[];
    readonly foreign: readonly string[];
    readonly problems: readonly { readonly label: string; readonly reason: string }[];
    readonly absent: readonly string[];
  };
  readonly report: {
    readonly fetched: readonly string[];
    readonly kept: readonly string[];
    readonly pruned: readonly string[];
    readonly failed: readonly {
      readonly label: string;
      readonly code: string;
      readonly reason: string;
      readonly advice: string;
    }[];
    readonly warnings: readonly { readonly label: string; readonly reason: string }[];
  };
}

/** A trust that is one armored key. */
export const trustKey = (armoredKey: string): SyncTrust => ({
  addOptions: () => {},
  knownKeys: async () => (armoredKey === '' ? [] : [armoredKey]),
  armoredKeys: async () => {
    if (armoredKey === '') {
      throw new DepotError('SIGNATURE_REFUSED', { file: 'keyring', reason: 'it is empty' });
    }
    return [armoredKey];
  },
});

/** Site keys of tests have no passphrase. */
export const loadKey: LoadSigner = (file) => createSigner(file, async () => undefined);

export interface RunSettings {
  readonly key: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Runs `sync` in this process, quickly impatient; the words are those behind the verb. */
export async function runSyncVerb(words: readonly string[], settings: RunSettings): Promise<SyncRun> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let exitCode = -1;
  let error: DepotError | undefined;
  const io = {
    stdout,
    stderr,
    env: settings.env ?? {},
    isTerminal: false,
    signal: settings.signal ?? new AbortController().signal,
  };
  const program = new Command('fleet-depot').exitOverride();
  program.configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
  });
  createSyncVerb(trustKey(settings.key), loadKey).register(program, io, (code) => {
    exitCode = code;
  });
  try {
    const impatient = ['--retry-delay', '0.01', '--timeout', '5', '--stall-timeout', '0.5', '--retries', '2'];
    await program.parseAsync(['sync', ...impatient, ...words], { from: 'user' });
  } catch (caught) {
    if (caught instanceof DepotError) {
      error = caught;
      exitCode = caught.code === 'USAGE' ? 2 : 1;
      stderr.write(`${caught.code} ${caught.message}\n`);
    } else if (caught instanceof CommanderError) {
      exitCode = 2;
    } else {
      throw caught;
    }
  }
  const text = String(stdout.read() ?? '');
  return {
    exitCode,
    error,
    stdout: text,
    stderr: String(stderr.read() ?? ''),
    get json() {
      return JSON.parse(text) as SyncJson;
    },
  };
}

/** Writes a definition that asks one upstream, and returns its path. */
export function writeDefinition(folder: string, address: string, rest = 'queries:\n  - all: true\n'): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'definition.yml');
  writeFileSync(file, `address: ${address}\n${rest}`);
  return file;
}

/** Every file of a synced folder but the work folder, with its SHA-256. */
export function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder).filter((file) => statSync(join(folder, file)).isFile());
  return Object.fromEntries(
    files.toSorted().map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  );
}
