import type { Command } from 'commander';
import { formatReceipt, receiptOf } from '../../bundle/receipt.ts';
import { openDepot } from '../../depot/depot.ts';
import { writeDepotFile } from '../../depot/disk-error.ts';
import { soundJournal } from '../../depot/vouching.ts';
import { countOf } from '../../domain/count.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import type { Finish } from './trust.ts';
import { formatBytes } from '../../config/bytes.ts';
import { printJson, printLines, processEnvironment, reporting } from '../depot-report.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

interface ReceiptFlags {
  readonly depot: string;
  readonly output: string;
  readonly snapshot: string;
  readonly json?: boolean;
}

/** Adds `receipt` to the verb `bundle`. */
export const registerReceipt = (bundle: Command, io: CommandIo, finish: Finish): void => {
  bundle
    .command('receipt')
    .description('Write what a depot has, to carry out for the next `bundle create --since`')
    .requiredOption('--depot <dir>', 'the depot')
    .requiredOption('-o, --output <file>', 'the receipt; - for standard output')
    .option('--snapshot <name>', 'another snapshot than the current one', 'current')
    .option('--json', 'print the result as JSON')
    .action((flags: ReceiptFlags) => reporting(io, finish, () => writeReceipt(flags, io)));
};

const writeReceipt = async (flags: ReceiptFlags, io: CommandIo): Promise<number> => {
  if (flags.output === '-' && flags.json === true) {
    throw new DepotError('USAGE', { reason: '`-o -` prints the receipt itself; leave out --json' });
  }
  const depot = await openDepot(flags.depot, processEnvironment);
  const receipt = await receiptOf(depot, await depot.snapshots.resolve(flags.snapshot));
  const text = formatReceipt(receipt);
  // A receipt can do no harm, but the bundle that is made for it won't go in until somebody has looked.
  await soundJournal(depot.layout).catch((error: unknown) => {
    io.stderr.write(`note: ${messageOf(error)}; \`bundle import\` refuses the depot until that is decided\n`);
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
};
