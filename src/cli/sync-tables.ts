import Table from 'cli-table3';
import type { Plan } from '../mirror/plan.ts';
import { totalsOf } from '../mirror/plan.ts';
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

/** The report for people: one line of what was done, then each failure with its reason and the way out. */
export function formatReport(report: SyncReport): string {
  const rate = report.seconds > 0 ? `, ${formatBytes(report.bytes / report.seconds)}/s` : '';
  const lines = [
    `${report.fetched.length} fetched (${formatBytes(report.bytes)} in ${report.seconds.toFixed(1)} s${rate}), ` +
      `${report.kept.length} kept, ${report.pruned.length} deleted, ${report.failed.length} failed`,
  ];
  for (const { label, reason } of report.warnings) {
    lines.push(`warning: ${label}: ${reason}`);
  }
  if (report.failed.length > 0) {
    const table = createTable(['package', 'code', 'reason']);
    for (const failure of report.failed) {
      table.push([failure.label, failure.code, failure.reason]);
    }
    lines.push(table.toString());
    for (const [code, advice] of new Map(report.failed.map((one) => [one.code, one.advice]))) {
      lines.push(`${code}: ${advice}`);
    }
  }
  if (report.snapshot) {
    lines.push(...formatSnapshot(report, report.snapshot));
  }
  return `${lines.join('\n')}\n`;
}

function formatSnapshot(
  { folder, failed }: SyncReport,
  { id, previous }: NonNullable<SyncReport['snapshot']>,
): string[] {
  if (previous === undefined && failed.length > 0) {
    return [
      `snapshot ${id ?? '(none yet)'} stays current: run it again, which fetches only what is lacking, or take what is there with --partial`,
    ];
  }
  return [
    `snapshot ${id ?? ''} is current`,
    ...(previous === undefined ? [] : [`back: fleet-depot snapshot rollback ${previous} --depot ${folder}`]),
  ];
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
