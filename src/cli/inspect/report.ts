import { countOf } from '../../domain/count.ts';
import type { InspectedPackage } from '../../judge/inspection.ts';
import { plainTable } from '../plain-table.ts';

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
  const rows = shown.map(({ name, version, state, signature, file, reasons, warnings }) => {
    const told = [...reasons, ...(all ? warnings.map((warning) => `warning: ${warning}`) : [])];
    return [name || '-', version || '-', state, signature, file, told.join('\n')];
  });
  const head = ['PACKAGE', 'VERSION', 'STATE', 'SIGNATURE', 'FILE', 'REASON'];
  const lines = shown.length === 0 ? '' : `${plainTable(head, rows)}\n\n`;
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
    `${countOf(files, 'file')} read (${(bytes / 1024 / 1024).toFixed(1)} MiB)`,
  ].join(', ');
