import type { Command } from 'commander';
import type { Bundle } from '../../bundle/bundle.ts';
import { planImport, type ImportPlan } from '../../bundle/import-plan.ts';
import { importBundle, type ImportResult } from '../../bundle/import.ts';
import { openDepot, openOrCreateDepot, type Depot } from '../../depot/depot.ts';
import { countOf } from '../../domain/count.ts';
import { DepotError } from '../../domain/errors.ts';
import {
  openTrusted,
  trustLine,
  trustOptions,
  type BundleTools,
  type Finish,
  type TrustFlags,
} from './trust.ts';
import { formatBytes } from '../../config/bytes.ts';
import { createByteProgress } from '../byte-progress.ts';
import {
  differenceJson,
  printDifference,
  printJson,
  printLines,
  processEnvironment,
  reporting,
} from '../depot-report.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

/** Adds `import` to the verb `bundle`. */
export const registerImport = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  trustOptions(bundle.command('import').description('Take a bundle into a depot and switch to it'))
    .argument('<file...>', 'bundle, or all of its volumes')
    .requiredOption('--into <depot>', 'the depot; made where the folder is new or empty')
    .option('--dry-run', 'show what would change, change nothing')
    .action((files: string[], flags: TrustFlags & { readonly into: string; readonly dryRun?: boolean }) =>
      reporting(io, finish, async () => {
        const opened = await openTrusted(files, { ...flags, depot: flags.into }, false, tools, io);
        return flags.dryRun === true ? showPlan(opened, flags, io) : runImport(opened, flags, io);
      }),
    );
};

const showPlan = async (
  bundle: Bundle,
  flags: TrustFlags & { readonly into: string },
  io: CommandIo,
): Promise<number> => {
  const plan = await planImport(bundle, await depotIfThere(flags.into));
  noteRepetition(plan, io);
  if (flags.json === true) {
    printJson(io, {
      dryRun: true,
      bundle: bundle.id,
      trust: bundle.trust,
      current: plan.current ?? null,
      newBytes: plan.newBytes,
      ...differenceJson(plan),
    });
  } else {
    printDifference(io, plan);
    printLines(
      io,
      `${formatBytes(plan.newBytes)} to write; ${trustLine(bundle)}; contents not read yet (\`bundle verify\` does); nothing was changed`,
    );
  }
  return exitCodes.ok;
};

const depotIfThere = (folder: string): Promise<Depot | undefined> =>
  openDepot(folder, processEnvironment).catch((error: unknown) => {
    if (error instanceof DepotError && error.code === 'DEPOT_UNKNOWN') {
      return undefined;
    }
    throw error;
  });

/** A first import of a large distribution has tens of thousands of files. */
const shownFiles = 40;

const runImport = async (
  bundle: Bundle,
  flags: TrustFlags & { readonly into: string },
  io: CommandIo,
): Promise<number> => {
  if ((await depotIfThere(flags.into)) === undefined) {
    // A bundle that is refused for its base must not leave an empty depot behind.
    await planImport(bundle, undefined);
  }
  const depot = await openOrCreateDepot(flags.into, processEnvironment);
  const progress = createByteProgress(io, 'importing', flags.json === true);
  const result = await depot
    .change('bundle import', () =>
      importBundle(bundle, depot, (bytes, total) => progress.update(bytes, total), io.signal),
    )
    .finally(() => progress.stop());
  noteRepetition(result, io);
  report(result, bundle, flags, io);
  return exitCodes.ok;
};

const report = (
  result: ImportResult,
  bundle: Bundle,
  flags: TrustFlags & { readonly into: string },
  io: CommandIo,
): void => {
  const { snapshot, made, written, reused, repaired, mended, copied } = result;
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
      mended,
      copied,
      ...differenceJson(result),
    });
    return;
  }
  printDifference(io, result, shownFiles);
  printLines(
    io,
    `${countOf(written, 'content')} written, ${countOf(reused, 'was', 'were')} here already${repaired > 0 ? `, ${countOf(repaired, 'damaged one')} repaired` : ''}`,
  );
  if (mended > 0) {
    printLines(
      io,
      `${countOf(mended, 'file of snapshots was', 'files of snapshots were')} missing or other than recorded, which is right again`,
    );
  }
  if (copied > 0) {
    printLines(
      io,
      `this file system makes no hard links: ${countOf(copied, 'file was copied and takes its', 'files were copied and take their')} space again`,
    );
  }
  printLines(
    io,
    `snapshot ${snapshot}${made ? '' : ', which has the same files,'} is current (${trustLine(bundle)})`,
  );
  if (result.current !== undefined && result.current !== snapshot) {
    printLines(io, `back: fleet-depot snapshot rollback ${result.current} --depot ${flags.into}`);
  }
};

/** An old bundle is signed as well as a new one: who imports it a second time should know. */
const noteRepetition = ({ importedAt }: ImportPlan, io: CommandIo): void => {
  if (importedAt !== undefined) {
    io.stderr.write(`note: this very bundle was imported before, at ${importedAt}\n`);
  }
};
