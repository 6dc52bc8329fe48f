import { readFile } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { membersOf } from '../domain/json-tree.ts';
import { refuseNewer } from '../domain/newer-format.ts';
import { errnoOf } from '../domain/system-error.ts';
import { diskError, writeDepotFile } from './disk-error.ts';
import { isSnapshotId } from './snapshot-id.ts';

/** Names that people give to snapshots, and snapshots that must not go. */
export interface Marks {
  readonly pins: readonly string[];
  /** Label to snapshot id. */
  readonly labels: ReadonlyMap<string, string>;
}

const labelForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const reserved = new Set(['current', 'previous']);

/** Throws DepotError USAGE where a text can't be a label. */
export const checkLabel = (label: string): string => {
  if (!labelForm.test(label) || reserved.has(label) || isSnapshotId(label)) {
    throw new DepotError('USAGE', {
      reason: `"${label}" can't be a label: up to 64 letters, digits and . _ -, not "current", "previous" or an id`,
    });
  }
  return label;
};

/** The file is written anew with each mark, so what a later version adds, and must not be lost, needs another number. */
const format = 'fleet-depot-marks/1';

/**
 * Reads `marks.json`; none is no marks, and one of before has no format. Throws DEPOT_DAMAGED or FORMAT_NEWER, because what
 * guards snapshots from gc must not vanish unseen.
 */
export const readMarks = async (path: string): Promise<Marks> => {
  const fail = (reason: string): DepotError => new DepotError('DEPOT_DAMAGED', { path, reason });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return { pins: [], labels: new Map() };
    }
    throw diskError(path, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail('the marks are not JSON; `snapshot log` tells which pins and labels were set');
  }
  const { format: found = format, pins, labels } = membersOf(value);
  refuseNewer(path, found, format);
  if (found !== format) {
    throw fail(`the format of the marks is not ${format}`);
  }
  if (!Array.isArray(pins) || typeof labels !== 'object' || labels === null) {
    throw fail('the marks lack pins or labels');
  }
  const entries = Object.entries(labels);
  const ids: unknown[] = [...pins, ...entries.map(([, id]) => id)];
  if (!ids.every((id) => typeof id === 'string' && isSnapshotId(id))) {
    throw fail('the marks name something that is no snapshot id');
  }
  return { pins: pins as string[], labels: new Map(entries as [string, string][]) };
};

/** Writes `marks.json` anew, sorted. Throws DEPOT_FULL or FILE_FAILED. */
export const writeMarks = async (path: string, marks: Marks): Promise<void> => {
  const labels = Object.fromEntries([...marks.labels].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  await writeDepotFile(
    path,
    `${JSON.stringify({ format, pins: [...new Set(marks.pins)].toSorted(), labels }, undefined, 2)}\n`,
  );
};
