import { countOf } from '../domain/count.ts';
import { collectGarbage, previewGc, type GcPlan } from '../depot/gc.ts';
import { openDepot } from '../depot/depot.ts';
import { formatBytes } from '../config/bytes.ts';
import { printJson, printLines, processEnvironment, reporting } from './depot-report.ts';
import { createOutput } from './output.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface GcFlags {
  readonly depot: string;
  readonly keep: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `fleet-depot gc`: shows what may go; removes it only with `--yes`. */
export const gc: Verb = {
  name: 'gc',
  register(program, io, finish) {
    program
      .command('gc')
      .description('Remove old snapshots and contents that no snapshot has (shows only, until --yes)')
      .requiredOption('--depot <dir>', 'the depot')
      .option('--keep <n>', 'newest snapshots that stay, beside the current, pinned and labelled ones', '3')
      .option('--yes', 'do it')
      .option('--json', 'print the result as JSON')
      .action((flags: GcFlags) =>
        reporting(io, finish, async () => {
          const depot = await openDepot(flags.depot, processEnvironment);
          const keep = /^\d+$/.test(flags.keep) ? Number(flags.keep) : Number.NaN;
          const plan =
            flags.yes === true
              ? await depot.smallChange('gc', () => collectGarbage(depot, keep))
              : await previewGc(depot, keep);
          print(plan, flags, io);
          return exitCodes.ok;
        }),
      );
  },
};

const print = (plan: GcPlan, flags: GcFlags, io: CommandIo): void => {
  const done = flags.yes === true;
  if (flags.json === true) {
    printJson(io, {
      dryRun: !done,
      removed: plan.removed,
      kept: plan.kept,
      contents: plan.contents.length,
      freedBytes: plan.freedBytes,
    });
    return;
  }
  createOutput(io).table(
    ['SNAPSHOT', '', 'WHY'],
    [
      ...plan.removed.map((id) => [id, 'goes', '']),
      ...plan.kept.map((one) => [one.id, 'stays', one.why.join(', ')]),
    ],
  );
  printLines(
    io,
    `${countOf(plan.removed.length, 'snapshot')} and ${countOf(plan.contents.length, 'content')} ${done ? 'removed' : 'would go'}: ${plan.freedBytes} bytes (${formatBytes(plan.freedBytes)})${done ? '' : '; say --yes to do it'}`,
  );
};
