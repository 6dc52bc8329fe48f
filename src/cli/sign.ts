import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { refuseInsideDepot } from '../depot/enclosing.ts';
import { DepotError } from '../domain/errors.ts';
import { listArchives } from '../signing/archive-list.ts';
import { discardLeftIn } from '../files/left-behind.ts';
import { kibanaAdvice } from '../signing/kibana-setting.ts';
import { signSet, type SignedItem } from '../signing/sign-set.ts';
import { createSigner, readSitePublicKey } from '../signing/signer.ts';
import { siteKeyFiles } from '../signing/site-key-files.ts';
import { createVerifier, fixedKeys } from '../signing/verifier.ts';
import { createItemProgress, type ItemProgress } from './item-progress.ts';
import { addKeyringOptions, openKeyring } from './keyring-options.ts';
import { printable } from './plain-table.ts';
import {
  askPassphrase,
  kibanaOf,
  makeKey,
  printPublicKey,
  type SignDeps,
  type SignOptions,
} from './sign/site-key.ts';
import { exitCodeOf, exitCodes, type CommandIo, type Verb } from './verb.ts';

/** `fleet-depot sign`: makes a site key, prints its public half, signs archives, signs a verified set anew. */
export const createSignVerb = (deps: SignDeps): Verb => ({
  name: 'sign',
  register(program, io, finish) {
    signCommand(program).action(async (paths: string[], options: SignOptions) => {
      const keyFile = requiredKey(paths, options, io);
      if (options.init === true) {
        await makeKey(keyFile, options, io, deps);
        finish(exitCodes.ok);
      } else if (options.public === true) {
        await printPublicKey(keyFile, options, io);
        finish(exitCodes.ok);
      } else {
        finish(await sign(paths, keyFile, options, io, deps));
      }
    });
  },
});

const signCommand = (program: Command): Command =>
  addKeyringOptions(program.command('sign'))
    .description('Make a site key and sign archives with it')
    .argument('[path...]', 'folders or archives to sign')
    .option('--key <file>', 'the private site key (FLEET_DEPOT_KEY_FILE)')
    .option('--init', 'make a new site key')
    .option('--name <name>', 'with --init: whose key it is, such as "Example Ltd Fleet site key"')
    .option('--email <address>', 'with --init: an address for the user id')
    .addOption(
      new Option('--algorithm <name>', 'with --init').choices(['rsa4096', 'ed25519']).default('rsa4096'),
    )
    .option(
      '--expires <time>',
      'with --init: days, weeks or years, such as 90d or 5y (default: never)',
      parseLifetime,
    )
    .option('--no-passphrase', 'with --init: leave the private key unprotected')
    .option(
      '--passphrase-file <file>',
      'file with the passphrase (FLEET_DEPOT_KEY_PASSPHRASE_FILE, FLEET_DEPOT_KEY_PASSPHRASE)',
    )
    .option('--public', 'print the public key, armored')
    .option('--resign', 'sign anew what a key of the keyring signed, once that was verified')
    .option('--partial', 'with --resign: sign those that were verified, though others are refused')
    .option('--dry-run', 'only say what would be signed')
    .option('--json', 'print JSON');

const parseLifetime = (text: string): number => {
  const match = /^([1-9]\d{0,4})([dwy])$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError('Give days, weeks or years, such as 90d, 12w or 5y.');
  }
  const days = { d: 1, w: 7, y: 365 }[match[2] as 'd' | 'w' | 'y'];
  const seconds = Number(match[1]) * days * 86_400;
  if (Date.now() / 1000 + seconds > lastSecond) {
    throw new InvalidArgumentError(
      'OpenPGP knows no time after 2106-02-07; leave it out for a key without an end.',
    );
  }
  return seconds;
};

/** Times of OpenPGP have 32 bits: a key that is to last longer would end at once, or in the middle. */
const lastSecond = 0xffffffff;

/** What a user id may have in it: whoever reads `Name <address>` must find each where it belongs. */
const [properName, properAddress] = [
  /^[^\p{Cc}\p{Cf}<>]+$/u,
  /^[^\p{C}\p{Z}@<>\\]+@[^\p{C}\p{Z}@<>\\]*[^\p{C}\p{Z}\p{P}@]$/u,
];

const requiredKey = (paths: readonly string[], options: SignOptions, io: CommandIo): string => {
  const usage = (reason: string): never => {
    throw new DepotError('USAGE', { reason });
  };
  const modes = [options.init, options.public, options.resign].filter((mode) => mode === true).length;
  if (modes > 1) {
    usage('--init, --public and --resign exclude each other');
  }
  if (options.init === true && (options.name === undefined || options.name.trim() === '')) {
    usage('--init needs --name "whose key it is"');
  }
  if (options.init === true && !properName.test(options.name ?? '')) {
    usage('--name must have no "<", ">" and no control characters in it');
  }
  if (options.email !== undefined && !properAddress.test(options.email)) {
    usage(`--email ${JSON.stringify(options.email)} is no address`);
  }
  const signs = options.init !== true && options.public !== true;
  if (signs !== paths.length > 0) {
    usage(signs ? 'name the folders or archives to sign' : '--init and --public take no paths');
  }
  return (
    options.key ??
    io.env['FLEET_DEPOT_KEY_FILE'] ??
    usage('name the private site key with --key FILE; `sign --init` makes one')
  );
};

const sign = async (
  paths: readonly string[],
  keyFile: string,
  options: SignOptions,
  io: CommandIo,
  deps: SignDeps,
): Promise<number> => {
  const archives = await listArchives(paths);
  const folders = new Set(archives.map((archive) => dirname(archive)));
  // A depot's own folder, or one above it, has snapshots in it as well.
  for (const folder of new Set([...paths, ...folders])) {
    await refuseInsideDepot(folder, 'sign the folder that bundles are made from, and carry it in');
  }
  const stray = archives.find((path) => !path.endsWith('.zip'));
  if (stray !== undefined) {
    throw new DepotError('USAGE', { reason: `${stray} is no .zip archive` });
  }
  const { publicKey } = await readSitePublicKey(keyFile);
  const signer =
    options.dryRun === true
      ? undefined
      : await createSigner(keyFile, () => askPassphrase(options, io, deps, `Passphrase of ${keyFile}`));
  if (options.dryRun !== true) {
    await Promise.all([...folders].map(discardLeftIn));
  }
  const progress = phases(io, archives.length, options.json === true);
  const items = await signSet(archives, {
    resign: options.resign === true,
    partial: options.resign !== true || options.partial === true,
    signal: io.signal,
    signer,
    judges: {
      site: createVerifier(fixedKeys([publicKey])),
      keyring: createVerifier(openKeyring(options, io)),
    },
    checkArchive: deps.checkArchive,
    onStep: progress.step,
  }).finally(progress.stop);
  await report(items, archives.length, keyFile, options, io);
  if (io.signal.aborted) {
    io.stderr.write('interrupted: run it again, it goes on where it stopped\n');
    return exitCodes.partly;
  }
  return signExitCode(items, options);
};

// Where a set was refused as a whole, what had been signed before doesn't make it partly done.
const signExitCode = (items: readonly SignedItem[], options: SignOptions): number => {
  const count = (...outcomes: SignedItem['outcome'][]): number =>
    items.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const failed = count('refused', 'failed');
  const wholeRefused =
    options.resign === true && options.partial !== true && count('signed') === 0 && failed > 0;
  return wholeRefused ? exitCodes.failed : exitCodeOf(items.length, failed);
};

const phases = (
  io: CommandIo,
  total: number,
  quiet: boolean,
): { step(phase: 'checked' | 'signed'): void; stop(): void } => {
  let current: { readonly phase: string; readonly progress: ItemProgress } | undefined;
  return {
    step: (phase) => {
      if (current?.phase !== phase) {
        current?.progress.stop();
        current = { phase, progress: createItemProgress(io, phase, total, quiet) };
      }
      current.progress.step();
    },
    stop: () => current?.progress.stop(),
  };
};

const report = async (
  items: readonly SignedItem[],
  total: number,
  keyFile: string,
  options: SignOptions,
  io: CommandIo,
): Promise<void> => {
  const publicFile = siteKeyFiles(keyFile).publicKey;
  const counts = Object.fromEntries(
    (['signed', 'already', 'pending', 'refused', 'failed'] as const).map((outcome) => [
      outcome,
      items.filter((item) => item.outcome === outcome).length,
    ]),
  );
  if (options.json === true) {
    io.stdout.write(
      `${JSON.stringify({ items, summary: counts, kibana: kibanaOf(publicFile) }, undefined, 2)}\n`,
    );
    return;
  }
  for (const { outcome, path, reason, originalSigner } of items) {
    const note = reason ?? (originalSigner === undefined ? '' : `was signed by ${originalSigner}`);
    const line = `${outcome.padEnd(8)} ${path}${note === '' ? '' : `: ${note}`}`;
    io.stdout.write(`${printable(line).replaceAll('\n', String.raw`\n`)}\n`);
  }
  io.stdout.write(
    `${Object.entries(counts)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(', ')}\n`,
  );
  if (total === 0) {
    io.stderr.write('there is no archive (*.zip) there\n');
  } else if (
    options.resign === true &&
    options.partial !== true &&
    !io.signal.aborted &&
    ((counts['refused'] ?? 0) > 0 || ((counts['failed'] ?? 0) > 0 && (counts['pending'] ?? 0) > 0))
  ) {
    io.stderr.write(
      'nothing was changed, because not every archive could be verified; --partial signs those that could\n',
    );
  }
  if ((counts['signed'] ?? 0) > 0) {
    io.stdout.write(`\n${kibanaAdvice(publicFile)}`);
    const there = await stat(publicFile).catch(() => undefined);
    if (there === undefined) {
      io.stderr.write(
        `(write that file first: fleet-depot sign --public --key ${keyFile} > ${publicFile})\n`,
      );
    }
  }
};
