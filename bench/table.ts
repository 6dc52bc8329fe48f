import Table from 'cli-table3';
import { isMet, ratioOf, type Finding, type Unit, type Wanted } from './finding.ts';

/** A heading and rows of text. */
export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The findings as text. */
export const findingsTable = (findings: readonly Finding[]): TextTable => ({
  head: ['work', 'here', 'yardstick', 'ratio', 'wanted', 'met'],
  rows: findings.map((finding) => {
    const { title, unit, value, yardstick, wanted } = finding;
    return [
      title,
      showQuantity(value, unit),
      yardstick ? `${showQuantity(yardstick.value, unit)} (${yardstick.name})` : '–',
      ratioOf(finding)?.toFixed(2) ?? '–',
      showWanted(wanted, unit),
      isMet(finding) ? 'yes' : 'NO',
    ];
  }),
});

/** What the rows don't say: notes and faults, one line each. */
export const remarks = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ title, note, faults }) =>
    [...(note === undefined ? [] : [note]), ...faults].map((text) => `${title}: ${text}`),
  );

/** A number with as many digits as it deserves, and thousands apart. */
export const showNumber = (value: number): string =>
  value.toLocaleString('en-US', {
    maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2,
  });

export const showQuantity = (value: number, unit: Unit): string => `${showNumber(value)} ${unit}`;

function showWanted({ of, least, most }: Wanted, unit: Unit): string {
  const bound = least ?? most ?? 0;
  return `${least === undefined ? '≤' : '≥'} ${of === 'ratio' ? bound.toFixed(1) : showQuantity(bound, unit)}`;
}

/** For the terminal. */
export function terminalTable({ head, rows }: TextTable): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => [...row]));
  return `${table.toString()}\n`;
}

/** For a page. */
export const markdownTable = ({ head, rows }: TextTable): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('');
