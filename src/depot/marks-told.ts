import type { JournalLine } from './journal-line.ts';
import type { Marks } from './marks.ts';

/** The pins and labels that a journal's lines come to. */
export const marksTold = (lines: readonly JournalLine[]): Marks => {
  const pins = new Set<string>();
  const labels = new Map<string, string>();
  for (const { action, snapshot, note } of lines) {
    // A label's note is its name, and where it was before: `tested, before: ID`.
    const label = note?.split(',')[0] ?? '';
    if (snapshot === undefined) {
      continue;
    }
    if (action === 'pin') {
      pins.add(snapshot);
    } else if (action === 'unpin') {
      pins.delete(snapshot);
    } else if (action === 'label') {
      labels.set(label, snapshot);
    } else if (action === 'unlabel') {
      labels.delete(label);
    }
  }
  return { pins: [...pins], labels };
};

/** What one has and the other hasn't, as clauses; empty where both are the same. */
export const marksDiffering = (told: Marks, found: Marks): string[] => [
  ...told.pins.filter((id) => !found.pins.includes(id)).map((id) => `the pin of ${id} is gone`),
  ...found.pins.filter((id) => !told.pins.includes(id)).map((id) => `nobody has pinned ${id}`),
  ...[...told.labels]
    .filter(([label, id]) => found.labels.get(label) !== id)
    .map(([label, id]) => `the label ${label} was given to ${id}`),
  ...[...found.labels]
    .filter(([label]) => !told.labels.has(label))
    .map(([label]) => `nobody has given the label ${label}`),
];

/**
 * The marks that a run was about to write when it was cut: the journal's last line tells of them, the file doesn't yet.
 * Undefined where that isn't how things are.
 */
export const marksCutShort = (lines: readonly JournalLine[], found: Marks): Marks | undefined => {
  const told = marksTold(lines);
  const cut =
    marksDiffering(told, found).length > 0 &&
    marksDiffering(marksTold(lines.slice(0, -1)), found).length === 0;
  return cut ? told : undefined;
};
