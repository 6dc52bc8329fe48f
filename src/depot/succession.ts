import type { JournalLine } from './journal.ts';

/** How `adopt` lines begin that tell of a `current` which somebody else has set. */
export const adoptedCurrent = 'found `current` pointing to it';

/** Whether a line tells that another snapshot came into force. */
export const isSwitch = ({ action, note }: JournalLine): boolean =>
  action === 'switch' ||
  action === 'rollback' ||
  (action === 'adopt' && note?.startsWith(adoptedCurrent) === true);

/**
 * The snapshots that were in force one after the other and still lead to the one that is, oldest first. A rollback takes
 * away what it goes back behind: after it, "the one before" is never the set that somebody has just turned away from.
 */
export const successionOf = (lines: readonly JournalLine[]): string[] => {
  const succession: string[] = [];
  for (const line of lines) {
    const { action, snapshot } = line;
    if (!isSwitch(line) || snapshot === undefined || snapshot === succession.at(-1)) {
      continue;
    }
    const before = action === 'rollback' ? succession.lastIndexOf(snapshot) : -1;
    if (before >= 0) {
      succession.length = before + 1;
    } else {
      succession.push(snapshot);
    }
  }
  return succession;
};
