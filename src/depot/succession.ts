import type { JournalLine } from './journal-line.ts';

/** How `adopt` lines begin that tell of a `current` which somebody else has set. */
export const adoptedCurrent = 'found `current` pointing to it';

/** Whether a line tells that another snapshot came into force. */
export const isSwitch = ({ action, note }: JournalLine): boolean =>
  action === 'switch' ||
  action === 'rollback' ||
  (action === 'adopt' && note?.startsWith(adoptedCurrent) === true);

/**
 * The snapshots that were in force one after the other and still lead to the one that is, oldest first. A rollback takes
 * away what it goes back behind: after it, "the one before" is never the set that somebody has just turned away from. So does
 * a `current` that was found going back: by hand, or by a rollback that was cut before it could tell.
 */
export const successionOf = (lines: readonly JournalLine[]): string[] => {
  const succession: string[] = [];
  for (const line of lines) {
    const { action, snapshot } = line;
    if (!isSwitch(line) || snapshot === undefined || snapshot === succession.at(-1)) {
      continue;
    }
    const before = action === 'switch' ? -1 : succession.lastIndexOf(snapshot);
    if (before >= 0) {
      succession.length = before + 1;
    } else {
      succession.push(snapshot);
    }
  }
  return succession;
};

/**
 * Whether a rollback that was cut had come to its switch: then to roll back once more would go one too far. `cut` is the run
 * that left the lock behind; nobody else has written to the journal since, but for who found `current` as it left it.
 */
export const rolledBackAlready = (
  lines: readonly JournalLine[],
  cut: { readonly verb: string; readonly since: string } | undefined,
): JournalLine | undefined => {
  const last = lines.findLast(isSwitch);
  return cut?.verb === rollbackVerb &&
    last !== undefined &&
    last.action !== 'switch' &&
    last.time >= cut.since
    ? last
    : undefined;
};

/** How a rollback names itself in the lock. */
export const rollbackVerb = 'snapshot rollback';
