import Table from 'cli-table3';
import type { Plan } from '../mirror/plan.ts';
import { totalsOf } from '../mirror/plan.ts';
import { plannedFiles, type ReleasePlan } from '../mirror/release-plan.ts';
import { releaseTotals } from '../mirror/release-report.ts';
import type { SyncReport } from '../mirror/report.ts';
import { formatBytes } from '../mirror/report.ts';

/** The plan for people. `withItems` lists each package. */
export function formatPlan(plan: Plan, withItems: boolean): string {
  const totals = totalsOf(plan);
  const unknown = totals.unknownSizes > 0 ? ` and ${totals.unknownSizes} of unknown size` : '';
  const lines = [
    `${totals.packages} package versions of ${totals.names} packages`,
    `  to fetch           ${totals.fetch.items}  (${formatBytes(totals.fetch.bytes)}${unknown})`,
    `  kept               ${totals.keep.items}  (${formatBytes(totals.keep.bytes)})`,
    `  no longer wanted   ${totals.unwanted.items}  (${formatBytes(totals.unwanted.bytes)})`,
  ];
  if (plan.foreign.length > 0) {
    lines.push(`  not from sync      ${plan.foreign.length}  (never touched)`);
  }
  if (withItems) {
    const table = createTable(['', 'package', 'version', 'size']);
    for (const item of plan.items) {
      table.push([
        item.state === 'new' ? '+' : '=',
        item.name,
        item.version,
        item.size === undefined ? '?' : formatBytes(item.size),
      ]);
    }
    for (const item of plan.unwanted) {
      table.push(['-', item.id, '', formatBytes(item.size)]);
    }
    if (plan.items.length + plan.unwanted.length > 0) {
      lines.push(table.toString());
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The plan of artifacts, keys, models and docs for people. `withItems` lists each file. */
export function formatReleasePlan(plan: ReleasePlan, withItems: boolean): string {
  const totals = releaseTotals(plan);
  const unknown = totals.unknownSizes > 0 ? ` and ${totals.unknownSizes} of unknown size` : '';
  const lines = [
    `${totals.files} files of artifacts, keys, Elastic Defend, models and docs`,
    `  to fetch           ${totals.fetch.items}  (${formatBytes(totals.fetch.bytes)}${unknown})`,
    `  kept               ${totals.keep.items}  (${formatBytes(totals.keep.bytes)})`,
    `  no longer wanted   ${totals.unwanted.items}  (${formatBytes(totals.unwanted.bytes)})`,
  ];
  if (plan.foreign.length > 0) {
    lines.push(`  not from sync      ${plan.foreign.length}  (never touched)`);
  }
  if (withItems) {
    const table = createTable(['', 'file', 'size']);
    const large = new Set(plan.groups.map(({ kind, main }) => (kind === 'key' ? '' : main.path)));
    for (const { path, state, size } of plannedFiles(plan)) {
      const unknownSize = large.has(path) ? '?' : '';
      table.push([state === 'new' ? '+' : '=', path, size === undefined ? unknownSize : formatBytes(size)]);
    }
    for (const { id, size } of plan.unwanted) {
      table.push(['-', id, formatBytes(size)]);
    }
    if (totals.files + plan.unwanted.length > 0) {
      lines.push(table.toString());
    }
  }
  return `${lines.join('\n')}\n`;
}

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
    const table = createTable([noun, 'code', 'reason']);
    for (const failure of report.failed) {
      table.push([failure.label, failure.code, failure.reason]);
    }
    lines.push(table.toString());
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

/** Plain columns: no frames, no colours, nothing that a log or a screen reader stumbles over. */
function createTable(head: string[]): Table.Table {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const chars = {
    ...none,
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  return new Table({ head, chars, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
}
