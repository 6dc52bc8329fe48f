import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { createBundle, type CreatedBundle } from '../../bundle/create.ts';
import { collectFolder, collectSnapshot, type FileSet } from '../../bundle/file-set.ts';
import { parseReceipt } from '../../bundle/receipt.ts';
import { openDepot } from '../../depot/depot.ts';
import { diskError } from '../../depot/disk-error.ts';
import { countOf } from '../../domain/count.ts';
import { isThere } from '../../files/place.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import type { Signer } from '../../signing/signature.ts';
import { refuseOutput } from './output.ts';
import type { BundleTools, Finish } from './trust.ts';
import { formatBytes, parseBytes } from '../../config/bytes.ts';
import { createByteProgress } from '../byte-progress.ts';
import { printJson, printLines, processEnvironment, reporting } from '../depot-report.ts';
import { lockedDigests } from '../locked-archives.ts';
import { createOutput } from '../output.ts';
import { readSourceDate } from '../source-date.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

interface CreateFlags {
  readonly from: string;
  readonly output: string;
  readonly snapshot?: string;
  readonly since?: string;
  readonly volumeSize?: string;
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly unsigned?: boolean;
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** Adds `create` to the verb `bundle`. */
export const registerCreate = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  bundle
    .command('create')
    .description('Make a bundle of a folder or of a depot')
    .requiredOption('--from <dir>', 'folder of packages, or a depot')
    .requiredOption('-o, --output <file>', 'the bundle; with --volume-size FILE.001, FILE.002, …')
    .option('--snapshot <name>', 'of a depot: another snapshot than the current one')
    .option('--since <receipt>', 'leave out what this receipt of the receiver has')
    .option('--volume-size <size>', 'divide into volumes below this size, such as 4GiB')
    .option('--key <file>', 'site key that signs the bundle (FLEET_DEPOT_KEY_FILE)')
    .option(
      '--passphrase-file <file>',
      'file with its passphrase (FLEET_DEPOT_KEY_PASSPHRASE_FILE, FLEET_DEPOT_KEY_PASSPHRASE)',
    )
    .option('--unsigned', 'make a bundle without signature')
    .option('--replace', 'replace files of that name')
    .option('--json', 'print the result as JSON')
    .action((flags: CreateFlags) => reporting(io, finish, () => runCreate(flags, tools, io)));
};

const runCreate = async (flags: CreateFlags, tools: BundleTools, io: CommandIo): Promise<number> => {
  const keyFile = chosenKey(flags, io);
  await refuseOutput(flags.output, flags.from);
  const volumeBytes = flags.volumeSize === undefined ? undefined : readVolumeSize(flags.volumeSize);
  const made = readSourceDate(io.env);
  const since =
    flags.since === undefined ? undefined : parseReceipt(await readText(flags.since), flags.since);
  const signer =
    keyFile === undefined ? undefined : await tools.loadSigner(keyFile, flags.passphraseFile, io);
  const reading = createByteProgress(io, 'reading', flags.json === true);
  const files = await collect(flags, (bytes) => reading.update(bytes), io.signal).finally(() =>
    reading.stop(),
  );
  for (const name of files.skipped) {
    io.stderr.write(`left out: ${name}\n`);
  }
  const writing = createByteProgress(io, 'writing', flags.json === true);
  const created = await createBundle({
    files,
    output: flags.output,
    replace: flags.replace === true,
    progress: (bytes, total) => writing.update(bytes, total),
    signal: io.signal,
    ...(since === undefined ? {} : { since }),
    ...(volumeBytes === undefined ? {} : { volumeBytes }),
    ...(signer === undefined ? {} : { signer }),
    ...(made === undefined ? {} : { made }),
  }).finally(() => writing.stop());
  if (flags.json === true) {
    printJson(io, { ...created, signer: signer?.fingerprint ?? null, skipped: files.skipped });
  } else {
    report(created, signer, io);
  }
  return exitCodes.ok;
};

/** The key that signs; undefined with `--unsigned`. */
const chosenKey = (flags: CreateFlags, io: CommandIo): string | undefined => {
  const keyFile = flags.unsigned === true ? flags.key : (flags.key ?? io.env['FLEET_DEPOT_KEY_FILE']);
  if ((keyFile === undefined) === (flags.unsigned !== true)) {
    throw new DepotError('USAGE', { reason: 'say --key FILE to sign the bundle, or --unsigned' });
  }
  return keyFile;
};

const report = (created: CreatedBundle, signer: Signer | undefined, io: CommandIo): void => {
  createOutput(io).table(
    ['VOLUME', 'BYTES'],
    created.volumes.map((volume) => [volume.path, volume.bytes]),
  );
  printLines(
    io,
    `bundle ${created.id}`,
    `${countOf(created.heldFiles, 'content')} (${formatBytes(created.heldBytes)}) for a set of ${countOf(created.files, 'file')} (${formatBytes(created.bytes)})`,
    signer === undefined
      ? 'not signed: the receiver needs --allow-unsigned'
      : `signed by ${signer.fingerprint}`,
  );
};

const readVolumeSize = (text: string): number => {
  try {
    return parseBytes(text);
  } catch (error) {
    throw new DepotError('USAGE', { reason: `--volume-size: ${messageOf(error)}` }, error);
  }
};

const collect = async (
  flags: CreateFlags,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<FileSet> => {
  if (!(await isThere(path.join(flags.from, 'depot.json')))) {
    if (flags.snapshot !== undefined) {
      throw new DepotError('USAGE', { reason: `--snapshot needs a depot, ${flags.from} is none` });
    }
    const set = await collectFolder(flags.from, progress, signal);
    await refuseUnlocked(flags.from, set);
    return set;
  }
  const depot = await openDepot(flags.from, processEnvironment);
  return collectSnapshot(depot, await depot.snapshots.resolve(flags.snapshot ?? 'current'));
};

/** What a folder's lock file names has to be there and as it says: else a signature would be put on what somebody changed since. */
const refuseUnlocked = async (folder: string, { files }: FileSet): Promise<void> => {
  const found = new Map(files.map((file) => [file.path, file.sha256]));
  for (const [name, sha256] of (await lockedDigests(folder)) ?? []) {
    if (found.get(name) !== sha256) {
      const what = found.has(name)
        ? `isn't what ${folder}/distribution.lock says`
        : 'is in distribution.lock, but not here';
      throw new DepotError('BUNDLE_UNFIT', {
        reason: `${path.join(folder, name)} ${what}; \`fleet-depot verify\` says more, \`sync\` puts it right`,
      });
    }
  }
};

const readText = async (file: string): Promise<string> => {
  try {
    if ((await stat(file)).size > 16 << 20) {
      throw new DepotError('RECEIPT_INVALID', { file, reason: 'it is far too large' });
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    throw diskError(file, error);
  }
};
