import { countOf } from '../../domain/count.ts';
import type { Plan } from '../../mirror/planning/plan.ts';
import { totalsOf, type Totals } from '../../mirror/planning/plan-report.ts';
import { plannedFiles, type ReleasePlan } from '../../mirror/release/plan.ts';
import { releaseTotals } from '../../mirror/release/plan-report.ts';
import type { SyncReport } from '../../mirror/record/report.ts';
import { formatBytes } from '../../config/bytes.ts';
import { plainTable } from '../plain-table.ts';

/** The plan for people. `withItems` lists each package. */
export function formatPlan(plan: Plan, withItems: boolean): string {
  const totals = totalsOf(plan);
  const lines = planLines(
    `${countOf(totals.packages, 'package version')} of ${countOf(totals.names, 'package')}`,
    totals,
    plan.foreign.length,
  );
  if (withItems && plan.items.length + plan.unwanted.length > 0) {
    const wanted = plan.items.map(({ state, name, version, size }) => [
      signOf(state),
      name,
      version,
      size === undefined ? '?' : formatBytes(size),
    ]);
    const unwanted = plan.unwanted.map(({ id, size }) => ['-', id, '', formatBytes(size)]);
    lines.push(plainTable(['', 'package', 'version', 'size'], [...wanted, ...unwanted]));
  }
  return `${lines.join('\n')}\n`;
}

/** The plan of artifacts, keys, models and docs for people. `withItems` lists each file. */
export function formatReleasePlan(plan: ReleasePlan, withItems: boolean): string {
  const totals = releaseTotals(plan);
  const lines = planLines(
    `${countOf(totals.files, 'file')} of artifacts, keys, Elastic Defend, models and docs`,
    totals,
    plan.foreign.length,
  );
  if (withItems && totals.files + plan.unwanted.length > 0) {
    const large = new Set(plan.groups.map(({ kind, main }) => (kind === 'key' ? '' : main.path)));
    const wanted = plannedFiles(plan).map(({ path, state, size }) => {
      const unknownSize = large.has(path) ? '?' : '';
      return [signOf(state), path, size === undefined ? unknownSize : formatBytes(size)];
    });
    const unwanted = plan.unwanted.map(({ id, size }) => ['-', id, formatBytes(size)]);
    lines.push(plainTable(['', 'file', 'size'], [...wanted, ...unwanted]));
  }
  return `${lines.join('\n')}\n`;
}

const signOf = (state: string): string => (state === 'new' ? '+' : '=');

/** What a plan comes to, below its first line. */
const planLines = (first: string, totals: Totals, foreign: number): string[] => {
  const unknown = totals.unknownSizes > 0 ? ` and ${totals.unknownSizes} of unknown size` : '';
  return [
    first,
    `  to fetch           ${totals.fetch.items}  (${formatBytes(totals.fetch.bytes)}${unknown})`,
    `  kept               ${totals.keep.items}  (${formatBytes(totals.keep.bytes)})`,
    `  no longer wanted   ${totals.unwanted.items}  (${formatBytes(totals.unwanted.bytes)})`,
    ...(foreign > 0 ? [`  not from sync      ${foreign}  (never touched)`] : []),
  ];
};

/**
 * The report for people: one line of what was done, then each failure with its reason and the way out. `noun` is what a
 * label names.
 */
export function formatReport(report: SyncReport, noun: string): string {
  const rate = report.seconds > 0 ? `, ${formatBytes(report.bytes / report.seconds)}/s` : '';
  const lines = [
    `${report.fetched.length} fetched (${formatBytes(report.bytes)} in ${report.seconds.toFixed(1)} s${rate}), ` +
      `${report.kept.length} kept, ${report.pruned.length} deleted, ${report.failed.length} failed`,
  ];
  for (const { label, reason } of report.warnings) {
    lines.push(`warning: ${label}: ${reason}`);
  }
  if (report.failed.length > 0) {
    const rows = report.failed.map(({ label, code, reason }) => [label, code, reason]);
    lines.push(plainTable([noun, 'code', 'reason'], rows));
    for (const [code, advice] of new Map(report.failed.map((one) => [one.code, one.advice]))) {
      lines.push(`${code}: ${advice}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Which snapshot of a depot is in force after a run of which `failed` things did not come. */
export function formatSnapshot(
  { folder }: SyncReport,
  { id, previous }: NonNullable<SyncReport['snapshot']>,
  failed: number,
): string {
  if (previous === undefined && failed > 0) {
    return `snapshot ${id ?? '(none yet)'} stays current: run it again, which fetches only what is lacking, or take what is there with --partial\n`;
  }
  const back =
    previous === undefined ? '' : `back: fleet-depot snapshot rollback ${previous} --depot ${folder}\n`;
  return `snapshot ${id ?? ''} is current\n${back}`;
}
