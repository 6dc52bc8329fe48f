import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { countOf } from '../domain/count.ts';
import { isBeingWritten } from '../files/left-behind.ts';
import { onDisk } from './disk-error.ts';
import type { JournalState } from './journal-chain.ts';
import type { JournalLine } from './journal-line.ts';
import type { Journal } from './journal.ts';
import { makeDepotFolders, type DepotLayout } from './layout.ts';
import { marksCutShort } from './marks-told.ts';
import { readMarks, writeMarks } from './marks.ts';
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
  const state = await soundJournal(depot.layout);
  await onDisk(depot.layout.root, sweepTemporaries(depot.layout));
  await tellOfCutLines(depot, state);
  const present = new Set(await depot.snapshots.ids());
  await settleRecords(depot, state.lines, present);
  await finishMarks(depot.layout.marks, state.lines);
  await adoptCurrent(depot, state.lines, present);
};

const sweepTemporaries = async (layout: DepotLayout): Promise<void> => {
  await rm(layout.temporary, { recursive: true, force: true });
  await makeDepotFolders(layout);
  for (const folder of [layout.root, layout.records]) {
    for (const name of await readdir(folder)) {
      const file = path.join(folder, name);
      // The lock's own may be of a run that asks for it right now. Names of earlier versions tell of no writer.
      if (name.endsWith('.tmp') && (await isBeingWritten(file)) !== true) {
        await rm(file, { force: true });
      }
    }
  }
};

/** The first line of a new journal, or a word on lines that its `journal.head` doesn't know. */
const tellOfCutLines = async ({ id, journal }: Recoverable, state: JournalState): Promise<void> => {
  const { lines, knownLines } = state;
  if (lines.length === 0) {
    await journal.append({ action: 'init', note: `depot ${id}` });
  } else if (knownLines > 0 && knownLines < lines.length) {
    // Nobody can tell a run that was cut from a line that was added by hand: so it stays to be seen.
    await journal.append({
      action: 'recover',
      note: `found ${countOf(lines.length - knownLines, 'line')} after the last one that \`journal.head\` knew: a run was cut, or somebody else has added them`,
    });
  }
};

/** Adopts snapshots that the journal doesn't tell of, and removes records that have no snapshot, or none any more. */
const settleRecords = async (
  { layout, journal, snapshots }: Recoverable,
  lines: readonly JournalLine[],
  present: ReadonlySet<string>,
): Promise<void> => {
  const told = snapshotsOf(lines, (line) => line.action === 'import' || line.action === 'adopt');
  const collected = snapshotsOf(lines, (line) => line.action === 'gc');
  for (const id of await snapshots.recorded()) {
    if (told.has(id) && (present.has(id) || !collected.has(id))) {
      continue;
    }
    if (present.has(id)) {
      const { digest } = await snapshots.record(id);
      const note = 'found a snapshot that the journal did not tell of';
      await journal.append({ action: 'adopt', snapshot: id, digest, note });
    } else {
      await rm(layout.recordFile(id), { force: true });
    }
  }
};

/** Tells of a `current` that somebody else has set, or a run that was cut before it could tell. */
const adoptCurrent = async (
  { journal, snapshots }: Recoverable,
  lines: readonly JournalLine[],
  present: ReadonlySet<string>,
): Promise<void> => {
  const now = await snapshots.current().catch(() => undefined);
  const last = lines.findLast(isSwitch)?.snapshot;
  if (now !== undefined && now !== last && present.has(now)) {
    const { digest } = await snapshots.record(now);
    const note = `${adoptedCurrent}; the journal told of ${last ?? 'none'}`;
    await journal.append({ action: 'adopt', snapshot: now, digest, note });
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
