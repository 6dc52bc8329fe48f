import type { Definition } from '../../distribution/definition.ts';
import type { SyncResult } from '../../mirror/carry-out.ts';
import { releasePlanToJson } from '../../mirror/release/plan-report.ts';
import { planToJson } from '../../mirror/planning/plan-report.ts';
import type { SyncReport } from '../../mirror/record/report.ts';
import type { SyncPlan } from '../../mirror/sync-deps.ts';
import type { SyncOptions } from './options.ts';
import { formatPlan, formatReleasePlan, formatReport, formatSnapshot } from './tables.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

const shownNames = 30;

/** Shows what will be done: on stdout where that is all that was asked for, else beside the progress. */
export function showPlan(
  { packages, release }: SyncPlan,
  definition: Definition,
  options: SyncOptions,
  io: CommandIo,
): void {
  if (options.json) {
    return;
  }
  const lists = options.listOnly ?? false;
  const detailed = !lists && (options.dryRun ?? false);
  const out = detailed ? io.stdout : io.stderr;
  if (packages && !lists) {
    out.write(formatPlan(packages, detailed));
  }
  if (release && !lists) {
    out.write(formatReleasePlan(release, detailed));
  }
  for (const { label, reason } of [...(packages?.problems ?? []), ...(release?.problems ?? [])]) {
    io.stderr.write(`problem: ${reason.startsWith(label) ? '' : `${label}: `}${reason}\n`);
  }
  if (packages && packages.absent.length > 0) {
    io.stderr.write(
      `note: the registry has nothing for these names of the definition's queries: ${showNames(packages.absent)}\n`,
    );
  }
  const prints = !detailed && definition.actions.some((action) => action.kind === 'print');
  if (prints) {
    for (const { name, version } of packages?.items ?? []) {
      io.stdout.write(`${name} ${version}\n`);
    }
  }
}

const showNames = (names: readonly string[]): string =>
  names.length > shownNames
    ? `${names.slice(0, shownNames).join(', ')} and ${names.length - shownNames} more (--json has all)`
    : names.join(', ');

/** Shows what was done, and says how the verb ends: the packages' part under `plan` and `report`, the rest under `artifacts`. */
export function showResults(results: readonly SyncResult[], options: SyncOptions, io: CommandIo): number {
  const packages = results.find(({ plan }) => plan.packages);
  const release = results.find(({ plan }) => plan.release);
  if (options.json) {
    const json = {
      plan: packages?.plan.packages ? planToJson(packages.plan.packages) : null,
      report: packages?.report ?? null,
      ...(release?.plan.release
        ? { artifacts: { plan: releasePlanToJson(release.plan.release), report: release.release ?? null } }
        : {}),
    };
    io.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  } else {
    for (const { report, release: artifacts } of results) {
      showReports(report, artifacts, io);
    }
  }
  return exitCodeOf(results);
}

const showReports = (
  packages: SyncReport | undefined,
  artifacts: SyncReport | undefined,
  io: CommandIo,
): void => {
  if (packages) {
    io.stderr.write(formatReport(packages, 'package'));
  }
  if (artifacts) {
    io.stderr.write(`artifacts: ${formatReport(artifacts, 'file')}`);
  }
  const last = artifacts ?? packages;
  if (last?.snapshot) {
    const failed = (packages?.failed.length ?? 0) + (artifacts?.failed.length ?? 0);
    io.stderr.write(formatSnapshot(last, last.snapshot, failed));
  }
};

const exitCodeOf = (results: readonly SyncResult[]): number => {
  let failures = 0;
  let done = 0;
  for (const { plan, report, release } of results) {
    failures += report?.failed.length ?? plan.packages?.problems.length ?? 0;
    failures += release?.failed.length ?? plan.release?.problems.length ?? 0;
    done += report ? report.fetched.length + report.kept.length : (plan.packages?.items.length ?? 0);
    done += release ? release.fetched.length + release.kept.length : (plan.release?.groups.length ?? 0);
  }
  if (failures === 0) {
    return exitCodes.ok;
  }
  return done > 0 ? exitCodes.partly : exitCodes.failed;
};
