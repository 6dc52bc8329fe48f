import type { Command } from 'commander';
import { formatReceipt, receiptOf } from '../bundle/receipt.ts';
import { verifyBundle } from '../bundle/verify.ts';
import { openDepot } from '../depot/depot.ts';
import { writeDepotFile } from '../depot/disk-error.ts';
import { soundJournal } from '../depot/vouching.ts';
import { countOf } from '../domain/count.ts';
import { DepotError, messageOf } from '../domain/errors.ts';
import { registerCreate } from './bundle/create.ts';
import { registerImport } from './bundle/import.ts';
import {
  openTrusted,
  trustLine,
  trustOptions,
  type BundleTools,
  type Finish,
  type TrustFlags,
} from './bundle/trust.ts';
import { formatBytes } from '../config/bytes.ts';
import { createByteProgress } from './byte-progress.ts';
import { printJson, printLines, processEnvironment, reporting } from './depot-report.ts';
import { createOutput } from './output.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

/** `fleet-depot bundle create|verify|import|receipt`. */
export const createBundleVerb = (tools: BundleTools): Verb => ({
  name: 'bundle',
  register(program, io, finish) {
    const bundle = program
      .command('bundle')
      .description('Carry packages and other files over an air gap in signed bundles');
    registerCreate(bundle, tools, io, finish);
    registerVerify(bundle, tools, io, finish);
    registerImport(bundle, tools, io, finish);
    registerReceipt(bundle, io, finish);
  },
});

const registerVerify = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  trustOptions(
    bundle.command('verify').description('Check every byte and the signature; needs no disk space'),
  )
    .option('--depot <dir>', "use the depot's own keyring, DIR/keys")
    .argument('<file...>', 'bundle, or any of its volumes')
    .action((files: string[], flags: TrustFlags) =>
      reporting(io, finish, async () => {
        const opened = await openTrusted(files, flags, true, tools, io);
        const progress = createByteProgress(io, 'checking', flags.json === true);
        const volumes = await verifyBundle(
          opened,
          (bytes, total) => progress.update(bytes, total),
          io.signal,
        ).finally(() => progress.stop());
        const { absent, trust, id } = opened;
        const { base } = opened.manifest;
        if (flags.json === true) {
          printJson(io, { id, trust, volumes, absent, base: base ?? null });
        } else {
          createOutput(io).table(
            ['VOLUME', 'FILE', 'CONTENTS', 'BYTES'],
            volumes.map((one) => [one.number, one.file, one.contents, one.bytes]),
          );
          const what = absent.length > 0 ? 'what was given is whole' : 'whole';
          printLines(io, `bundle ${id}: ${what}, ${trustLine(opened)}`);
          if (base) {
            printLines(io, `it holds only what is new to snapshot ${base.snapshot} of depot ${base.depot}`);
          }
          if (absent.length > 0) {
            printLines(io, `not given: volume ${absent.join(', ')}`);
          }
        }
        return absent.length > 0 ? exitCodes.partly : exitCodes.ok;
      }),
    );
};

const registerReceipt = (bundle: Command, io: CommandIo, finish: Finish): void => {
  bundle
    .command('receipt')
    .description('Write what a depot has, to carry out for the next `bundle create --since`')
    .requiredOption('--depot <dir>', 'the depot')
    .requiredOption('-o, --output <file>', 'the receipt; - for standard output')
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
          if (flags.output === '-' && flags.json === true) {
            throw new DepotError('USAGE', { reason: '`-o -` prints the receipt itself; leave out --json' });
          }
          const depot = await openDepot(flags.depot, processEnvironment);
          const receipt = await receiptOf(depot, await depot.snapshots.resolve(flags.snapshot));
          const text = formatReceipt(receipt);
          // A receipt can do no harm, but the bundle that is made for it won't go in until somebody has looked.
          await soundJournal(depot.layout).catch((error: unknown) => {
            io.stderr.write(
              `note: ${messageOf(error)}; \`bundle import\` refuses the depot until that is decided\n`,
            );
          });
          if (flags.output === '-') {
            io.stdout.write(text);
            return exitCodes.ok;
          }
          await writeDepotFile(flags.output, text);
          const contents = receipt.prefixes.size;
          if (flags.json === true) {
            printJson(io, {
              output: flags.output,
              bytes: text.length,
              depot: depot.id,
              snapshot: receipt.snapshot,
              contents,
            });
          } else {
            printLines(
              io,
              `${flags.output}: ${formatBytes(text.length)}, ${countOf(contents, 'content')} of snapshot ${receipt.snapshot}`,
            );
          }
          return exitCodes.ok;
        }),
    );
};
