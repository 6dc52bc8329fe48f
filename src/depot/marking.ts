import { DepotError } from '../domain/errors.ts';
import type { Depot } from './depot.ts';
import { checkLabel, readMarks, writeMarks } from './marks.ts';

// All of these need the depot's lock. The journal comes first: a mark that nobody can account for would be worse than a line too many.

/** Keeps a snapshot from gc. */
export const pinSnapshot = async (depot: Depot, id: string): Promise<void> => {
  const marks = await readMarks(depot.layout.marks);
  if (marks.pins.includes(id)) {
    return;
  }
  await depot.journal.append({ action: 'pin', snapshot: id });
  await writeMarks(depot.layout.marks, { ...marks, pins: [...marks.pins, id] });
};

/** Lets gc have a snapshot again. */
export const unpinSnapshot = async (depot: Depot, id: string): Promise<void> => {
  const marks = await readMarks(depot.layout.marks);
  if (!marks.pins.includes(id)) {
    return;
  }
  await depot.journal.append({ action: 'unpin', snapshot: id });
  await writeMarks(depot.layout.marks, { ...marks, pins: marks.pins.filter((one) => one !== id) });
};

/**
 * Gives a snapshot a name; a name that another one had moves, and the answer is which one. Throws USAGE for a name that
 * can't be.
 */
export const labelSnapshot = async (depot: Depot, id: string, label: string): Promise<string | undefined> => {
  checkLabel(label);
  const marks = await readMarks(depot.layout.marks);
  const before = marks.labels.get(label);
  if (before === id) {
    return undefined;
  }
  await depot.journal.append({
    action: 'label',
    snapshot: id,
    note: before === undefined ? label : `${label}, before: ${before}`,
  });
  await writeMarks(depot.layout.marks, { ...marks, labels: new Map([...marks.labels, [label, id]]) });
  return before;
};

/** Takes a name away. Throws SNAPSHOT_UNKNOWN where there is no such name. */
export const unlabelSnapshot = async (depot: Depot, label: string): Promise<void> => {
  const marks = await readMarks(depot.layout.marks);
  const snapshot = marks.labels.get(label);
  if (snapshot === undefined) {
    throw new DepotError('SNAPSHOT_UNKNOWN', { name: label, reason: 'there is no such label' });
  }
  await depot.journal.append({ action: 'unlabel', snapshot, note: label });
  await writeMarks(depot.layout.marks, {
    ...marks,
    labels: new Map([...marks.labels].filter(([name]) => name !== label)),
  });
};
