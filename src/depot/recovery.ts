import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { diskError } from './disk-error.ts';
import type { JournalLine } from './journal-line.ts';
import type { Journal } from './journal.ts';
import { makeDepotFolders, type DepotLayout } from './layout.ts';
import { marksCutShort } from './marks-told.ts';
import { readMarks, writeMarks } from './marks.ts';
import { isSnapshotId } from './snapshot-id.ts';
import type { Snapshots } from './snapshots.ts';
import { adoptedCurrent, isSwitch } from './succession.ts';
import { soundJournal } from './vouching.ts';

/** The parts of a depot that are put right. */
export interface Recoverable {
  readonly id: string;
  readonly layout: DepotLayout;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
}

/**
 * Cleans up what an interrupted run left, with the lock held: temporary files, records of
 * snapshots that never appeared or whose removal was cut.
 * A snapshot or a `current` that the journal does not tell of is never removed: the journal gets an `adopt` line for it.
 * Throws JOURNAL_BROKEN before it touches anything.
 */
export const recoverDepot = async (depot: Recoverable): Promise<void> => {
  const { layout, journal, snapshots } = depot;
  const state = await soundJournal(layout);
  try {
    await rm(layout.temporary, { recursive: true, force: true });
    await makeDepotFolders(layout);
    for (const folder of [layout.root, layout.records]) {
      for (const name of await readdir(folder)) {
        if (name.endsWith('.tmp') && !name.startsWith('lock.')) {
          await rm(path.join(folder, name), { force: true });
        }
      }
    }
  } catch (error) {
    throw diskError(layout.root, error);
  }
  if (state.lines.length === 0) {
    await journal.append({ action: 'init', note: `depot ${depot.id}` });
  } else if (state.knownLines > 0 && state.knownLines < state.lines.length) {
    // Nobody can tell a run that was cut from a line that was added by hand: so it stays to be seen.
    await journal.append({
      action: 'recover',
      note: `found ${state.lines.length - state.knownLines} lines after the last one that \`journal.head\` knew: a run was cut, or somebody else has added them`,
    });
  }

  const told = snapshotsOf(state.lines, (line) => line.action === 'import' || line.action === 'adopt');
  const collected = snapshotsOf(state.lines, (line) => line.action === 'gc');
  const known = new Set(await snapshots.ids());
  for (const name of await readdir(layout.records)) {
    const id = name.replace(/\.json$/, '');
    if (!isSnapshotId(id) || (told.has(id) && !collected.has(id)) || (told.has(id) && known.has(id))) {
      continue;
    }
    if (known.has(id)) {
      const { digest } = await snapshots.record(id);
      await journal.append({
        action: 'adopt',
        snapshot: id,
        digest,
        note: 'found a snapshot that the journal did not tell of',
      });
    } else {
      await rm(layout.recordFile(id), { force: true });
    }
  }
  await finishMarks(layout.marks, state.lines);
  const now = await snapshots.current().catch(() => undefined);
  const last = state.lines.findLast(isSwitch);
  if (now !== undefined && now !== last?.snapshot && known.has(now)) {
    const { digest } = await snapshots.record(now);
    await journal.append({
      action: 'adopt',
      snapshot: now,
      digest,
      note: `${adoptedCurrent}; the journal told of ${last?.snapshot ?? 'none'}`,
    });
  }
};

/** Tells a new chain of the pins and labels that were set under the one before it. */
export const adoptMarks = async ({ layout, journal }: Recoverable): Promise<void> => {
  const marks = await readMarks(layout.marks).catch(() => undefined);
  for (const snapshot of marks?.pins ?? []) {
    await journal.append({ action: 'pin', snapshot, note: 'found when the chain was started' });
  }
  for (const [label, snapshot] of marks?.labels ?? []) {
    await journal.append({ action: 'label', snapshot, note: label });
  }
};

/** The journal is written before the marks: what it tells of and they don't have yet is written now. */
const finishMarks = async (file: string, lines: readonly JournalLine[]): Promise<void> => {
  // Damaged marks stop what needs them, and nothing else.
  const marks = await readMarks(file).catch(() => undefined);
  const wanted = marks === undefined ? undefined : marksCutShort(lines, marks);
  if (wanted !== undefined) {
    await writeMarks(file, wanted);
  }
};

const snapshotsOf = (
  lines: readonly JournalLine[],
  wanted: (line: JournalLine) => boolean,
): ReadonlySet<string | undefined> => new Set(lines.filter(wanted).map((line) => line.snapshot));
