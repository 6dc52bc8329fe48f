import Table from 'cli-table3';
import type { InspectedPackage } from '../judge/inspection.ts';

/** What a list of inspected packages amounts to. */
interface Totals {
  readonly ok: number;
  readonly quarantine: number;
  readonly duplicate: number;
  readonly ignored: number;
  readonly unsigned: number;
  readonly files: number;
  readonly bytes: number;
}

/** JSON with the counts and the packages in quarantine, or all of them, with everything that is known. */
export const inspectionJson = (found: readonly InspectedPackage[], all: boolean): string =>
  `${JSON.stringify({ ...totalsOf(found), packages: shownOf(found, all) }, null, 2)}\n`;

/** A table without lines, which people and `grep` can read, and a line that sums it up. */
export const inspectionTable = (found: readonly InspectedPackage[], all: boolean): string => {
  const shown = shownOf(found, all);
  const table = new Table({
    head: ['PACKAGE', 'VERSION', 'STATE', 'SIGNATURE', 'FILE', 'REASON'],
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  for (const { name, version, state, signature, file, reasons, warnings } of shown) {
    const told = [...reasons, ...(all ? warnings.map((warning) => `warning: ${warning}`) : [])];
    table.push([name || '-', version || '-', state, signature, file, told.join('\n')].map(printable));
  }
  const lines = shown.length === 0 ? '' : `${table.toString().replaceAll(/ +$/gm, '')}\n\n`;
  return `${lines}${summaryOf(totalsOf(found))}\n`;
};

const shownOf = (found: readonly InspectedPackage[], all: boolean): readonly InspectedPackage[] =>
  all ? found : found.filter(({ state }) => state === 'quarantine');

const totalsOf = (found: readonly InspectedPackage[]): Totals => {
  const count = (state: InspectedPackage['state']): number =>
    found.filter((entry) => entry.state === state).length;
  const sum = (key: 'files' | 'bytes'): number => found.reduce((total, entry) => total + entry[key], 0);
  return {
    ok: count('ok'),
    quarantine: count('quarantine'),
    duplicate: count('duplicate'),
    ignored: count('ignored'),
    unsigned: found.filter(({ state, signature }) => state !== 'ignored' && signature !== 'armored').length,
    files: sum('files'),
    bytes: sum('bytes'),
  };
};

const summaryOf = ({ ok, quarantine, duplicate, ignored, unsigned, files, bytes }: Totals): string =>
  [
    `${ok} ok`,
    `${quarantine} in quarantine`,
    ...(duplicate > 0 ? [`${duplicate} duplicate`] : []),
    ...(ignored > 0 ? [`${ignored} passed over`] : []),
    ...(unsigned > 0 ? [`${unsigned} without signature`] : []),
    `${files} files read (${(bytes / 1024 / 1024).toFixed(1)} MiB)`,
  ].join(', ');

/** File names are not to write to the terminal what they like: control characters are shown as escapes. */
const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) =>
    sign === '\n' ? sign : `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );

const noLines = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((place) => [place, '']),
);
