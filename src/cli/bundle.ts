import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { openBundle, type Bundle } from '../bundle/bundle.ts';
import { createBundle } from '../bundle/create.ts';
import { collectFolder, collectSnapshot, type FileSet } from '../bundle/file-set.ts';
import { importBundle, planImport } from '../bundle/import.ts';
import { formatReceipt, parseReceipt, receiptOf } from '../bundle/receipt.ts';
import { verifyBundle } from '../bundle/verify.ts';
import { openDepot, openOrCreateDepot, type Depot } from '../depot/depot.ts';
import { diskError, writeDurably } from '../depot/durable-file.ts';
import { DepotError } from '../domain/errors.ts';
import type { SignatureVerifier, Signer } from '../signing/signature.ts';
import { createByteProgress, formatBytes } from './byte-progress.ts';
import { parseByteSize } from './byte-size.ts';
import {
  differenceJson,
  printDifference,
  printJson,
  printLines,
  printTable,
  processEnvironment,
  reporting,
} from './depot-report.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

/** What the verb takes from the signing side. */
export interface BundleTools {
  /** The signer of a site key file; asks for its passphrase in its own way. */
  loadSigner(keyFile: string, io: CommandIo): Promise<Signer>;
  /** The verifier of a keyring: the folder or file named, else the default one. */
  loadVerifier(keyring: string | undefined, io: CommandIo): Promise<SignatureVerifier>;
}

interface TrustFlags {
  readonly keyring?: string;
  readonly allowUnsigned?: boolean;
  readonly json?: boolean;
}

interface CreateFlags {
  readonly from: string;
  readonly output: string;
  readonly snapshot?: string;
  readonly since?: string;
  readonly volumeSize?: string;
  readonly key?: string;
  readonly unsigned?: boolean;
  readonly replace?: boolean;
  readonly json?: boolean;
}

type Finish = (exitCode: number) => void;

/** `fleet-depot bundle create|verify|import|receipt`. */
export const createBundleVerb = (tools: BundleTools): Verb => ({
  name: 'bundle',
  register(program, io, finish) {
    const bundle = program
      .command('bundle')
      .description('carry packages and other files over an air gap in signed bundles');
    registerCreate(bundle, tools, io, finish);
    registerVerify(bundle, tools, io, finish);
    registerImport(bundle, tools, io, finish);
    registerReceipt(bundle, io, finish);
  },
});

const registerCreate = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  bundle
    .command('create')
    .description('make a bundle of a folder or of a depot')
    .requiredOption('--from <dir>', 'folder of packages, or a depot')
    .requiredOption('-o, --output <file>', 'the bundle; with --volume-size FILE.001, FILE.002, …')
    .option('--snapshot <name>', 'of a depot: another snapshot than the current one')
    .option('--since <receipt>', 'leave out what this receipt of the receiver has')
    .option('--volume-size <size>', 'divide into volumes below this size, such as 4GiB')
    .option('--key <file>', 'site key that signs the bundle')
    .option('--unsigned', 'make a bundle without signature')
    .option('--replace', 'replace files of that name')
    .option('--json', 'print the result as JSON')
    .action((flags: CreateFlags) => reporting(io, finish, () => runCreate(flags, tools, io)));
};

const runCreate = async (flags: CreateFlags, tools: BundleTools, io: CommandIo): Promise<number> => {
  if ((flags.key === undefined) === (flags.unsigned !== true)) {
    throw new DepotError('USAGE', { reason: 'say --key FILE to sign the bundle, or --unsigned' });
  }
  if (!path.relative(path.resolve(flags.from), path.resolve(flags.output)).startsWith('..')) {
    throw new DepotError('USAGE', {
      reason: `the bundle ${flags.output} would lie inside ${flags.from} and go into the next one; name another place`,
    });
  }
  const volumeBytes =
    flags.volumeSize === undefined ? undefined : parseByteSize('--volume-size', flags.volumeSize);
  const since =
    flags.since === undefined ? undefined : parseReceipt(await readText(flags.since), flags.since);
  const signer = flags.key === undefined ? undefined : await tools.loadSigner(flags.key, io);
  const reading = createByteProgress(io, 'reading', flags.json === true);
  const files = await collect(flags, (bytes) => reading.update(bytes), io.signal).finally(() =>
    reading.stop(),
  );
  for (const name of files.skipped) io.stderr.write(`left out: ${name}\n`);
  const writing = createByteProgress(io, 'writing', flags.json === true);
  const made = await createBundle({
    files,
    output: flags.output,
    replace: flags.replace === true,
    progress: (bytes, total) => writing.update(bytes, total),
    signal: io.signal,
    ...(since === undefined ? {} : { since }),
    ...(volumeBytes === undefined ? {} : { volumeBytes }),
    ...(signer === undefined ? {} : { signer }),
  }).finally(() => writing.stop());
  if (flags.json === true) {
    printJson(io, { ...made, signer: signer?.fingerprint ?? null, skipped: files.skipped });
    return exitCodes.ok;
  }
  printTable(
    io,
    ['VOLUME', 'BYTES'],
    made.volumes.map((volume) => [volume.path, volume.bytes]),
  );
  printLines(
    io,
    `bundle ${made.id}`,
    `${made.heldFiles} contents (${formatBytes(made.heldBytes)}) for a set of ${made.files} files (${formatBytes(made.bytes)})`,
    signer === undefined
      ? 'not signed: the receiver needs --allow-unsigned'
      : `signed by ${signer.fingerprint}`,
  );
  return exitCodes.ok;
};

const collect = async (
  flags: CreateFlags,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<FileSet> => {
  const isDepot = await stat(path.join(flags.from, 'depot.json')).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isDepot) {
    if (flags.snapshot !== undefined)
      throw new DepotError('USAGE', { reason: `--snapshot needs a depot, ${flags.from} is none` });
    return collectFolder(flags.from, progress, signal);
  }
  const depot = await openDepot(flags.from, processEnvironment);
  return collectSnapshot(depot, await depot.snapshots.resolve(flags.snapshot ?? 'current'));
};

const trustOptions = (command: Command): Command =>
  command
    .option('--keyring <path>', 'trusted keys, instead of the default keyring')
    .option('--allow-unsigned', 'take a bundle that has no signature')
    .option('--json', 'print the result as JSON');

const open = async (
  files: readonly string[],
  flags: TrustFlags,
  allowPartial: boolean,
  tools: BundleTools,
  io: CommandIo,
): Promise<Bundle> => {
  const verifier = await tools.loadVerifier(flags.keyring, io);
  return openBundle(
    files,
    { verifier, allowUnsigned: flags.allowUnsigned === true, allowPartial },
    io.signal,
  );
};

const trustLine = ({ trust }: Bundle): string =>
  trust.state === 'unsigned'
    ? 'NOT SIGNED'
    : `signed by ${trust.fingerprint} at ${trust.signedAt.toISOString()}`;

const registerVerify = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  trustOptions(
    bundle.command('verify').description('check every byte and the signature; needs no disk space'),
  )
    .argument('<file...>', 'bundle, or any of its volumes')
    .action((files: string[], flags: TrustFlags) =>
      reporting(io, finish, async () => {
        const opened = await open(files, flags, true, tools, io);
        const progress = createByteProgress(io, 'checking', flags.json === true);
        const volumes = await verifyBundle(
          opened,
          (bytes, total) => progress.update(bytes, total),
          io.signal,
        ).finally(() => progress.stop());
        const { absent, trust, id } = opened;
        if (flags.json === true)
          printJson(io, { id, trust, volumes, absent, base: opened.manifest.base ?? null });
        else {
          printTable(
            io,
            ['VOLUME', 'FILE', 'CONTENTS', 'BYTES'],
            volumes.map((one) => [one.number, one.file, one.contents, one.bytes]),
          );
          printLines(io, `bundle ${id}: whole, ${trustLine(opened)}`);
          if (absent.length > 0) printLines(io, `not given: volume ${absent.join(', ')}`);
        }
        return absent.length > 0 ? exitCodes.partly : exitCodes.ok;
      }),
    );
};

const registerImport = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  trustOptions(bundle.command('import').description('take a bundle into a depot and switch to it'))
    .argument('<file...>', 'bundle, or all of its volumes')
    .requiredOption('--into <depot>', 'the depot; made where the folder is new or empty')
    .option('--dry-run', 'show what would change, change nothing')
    .action((files: string[], flags: TrustFlags & { readonly into: string; readonly dryRun?: boolean }) =>
      reporting(io, finish, async () => {
        const opened = await open(files, flags, false, tools, io);
        return flags.dryRun === true ? showPlan(opened, flags, io) : runImport(opened, flags, io);
      }),
    );
};

const showPlan = async (
  bundle: Bundle,
  flags: TrustFlags & { readonly into: string },
  io: CommandIo,
): Promise<number> => {
  const depot: Depot | undefined = await openDepot(flags.into, processEnvironment).catch((error: unknown) => {
    if (error instanceof DepotError && error.code === 'DEPOT_UNKNOWN') return undefined;
    throw error;
  });
  const plan = await planImport(bundle, depot);
  if (flags.json === true)
    printJson(io, {
      dryRun: true,
      bundle: bundle.id,
      trust: bundle.trust,
      current: plan.current ?? null,
      newBytes: plan.newBytes,
      ...differenceJson(plan),
    });
  else {
    printDifference(io, plan);
    printLines(
      io,
      `${formatBytes(plan.newBytes)} to write; ${trustLine(bundle)}; contents not read yet (\`bundle verify\` does); nothing was changed`,
    );
  }
  return exitCodes.ok;
};

const runImport = async (
  bundle: Bundle,
  flags: TrustFlags & { readonly into: string },
  io: CommandIo,
): Promise<number> => {
  const depot = await openOrCreateDepot(flags.into, processEnvironment);
  const progress = createByteProgress(io, 'importing', flags.json === true);
  const result = await depot
    .change('bundle import', () =>
      importBundle(bundle, depot, (bytes, total) => progress.update(bytes, total), io.signal),
    )
    .finally(() => progress.stop());
  const { snapshot, made, written, reused, repaired, copied } = result;
  if (flags.json === true) {
    printJson(io, {
      bundle: bundle.id,
      trust: bundle.trust,
      snapshot,
      made,
      previous: result.current ?? null,
      written,
      reused,
      repaired,
      copied,
      ...differenceJson(result),
    });
    return exitCodes.ok;
  }
  printDifference(io, result);
  printLines(
    io,
    `${written} contents written, ${reused} were here already${repaired > 0 ? `, ${repaired} damaged ones repaired` : ''}`,
  );
  if (copied > 0)
    printLines(
      io,
      `this file system makes no hard links: ${copied} files were copied and take their space again`,
    );
  printLines(
    io,
    `${made ? 'snapshot' : 'the same as snapshot'} ${snapshot} is current (${trustLine(bundle)})`,
  );
  if (result.current !== undefined && result.current !== snapshot)
    printLines(io, `back: fleet-depot snapshot rollback ${result.current} --depot ${flags.into}`);
  return exitCodes.ok;
};

const registerReceipt = (bundle: Command, io: CommandIo, finish: Finish): void => {
  bundle
    .command('receipt')
    .description('write what a depot has, to carry out for the next `bundle create --since`')
    .requiredOption('--depot <dir>', 'the depot')
    .requiredOption('-o, --output <file>', 'the receipt')
    .option('--snapshot <name>', 'another snapshot than the current one', 'current')
    .option('--json', 'print the result as JSON')
    .action(
      (flags: {
        readonly depot: string;
        readonly output: string;
        readonly snapshot: string;
        readonly json?: boolean;
      }) =>
        reporting(io, finish, async () => {
          const depot = await openDepot(flags.depot, processEnvironment);
          const receipt = await receiptOf(depot, await depot.snapshots.resolve(flags.snapshot));
          const text = formatReceipt(receipt);
          await writeDurably(flags.output, text);
          const contents = receipt.prefixes.size;
          if (flags.json === true)
            printJson(io, {
              output: flags.output,
              bytes: text.length,
              depot: depot.id,
              snapshot: receipt.snapshot,
              contents,
            });
          else
            printLines(
              io,
              `${flags.output}: ${formatBytes(text.length)}, ${contents} contents of snapshot ${receipt.snapshot}`,
            );
          return exitCodes.ok;
        }),
    );
};

const readText = async (file: string): Promise<string> => {
  try {
    if ((await stat(file)).size > 16 << 20)
      throw new DepotError('RECEIPT_INVALID', { file, reason: 'it is far too large' });
    return await readFile(file, 'utf8');
  } catch (error) {
    throw diskError(file, error);
  }
};
