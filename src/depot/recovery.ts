import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { diskError, makeFolder } from './durable-file.ts';
import type { Journal, JournalLine } from './journal.ts';
import type { DepotLayout } from './layout.ts';
import { isSnapshotId } from './snapshot-id.ts';
import type { Snapshots } from './snapshots.ts';
import { adoptedCurrent } from './succession.ts';

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
  const state = await journal.read();
  if (state.fault !== undefined) {
    throw new DepotError('JOURNAL_BROKEN', { path: layout.journal, ...state.fault });
  }
  try {
    await rm(layout.temporary, { recursive: true, force: true });
    for (const folder of [layout.content, layout.snapshots, layout.records, layout.temporary]) {
      await makeFolder(folder);
    }
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
  const now = await snapshots.current().catch(() => undefined);
  const last = state.lines.filter((line) => isSwitch.has(line.action)).at(-1);
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

const snapshotsOf = (
  lines: readonly JournalLine[],
  wanted: (line: JournalLine) => boolean,
): ReadonlySet<string | undefined> => new Set(lines.filter(wanted).map((line) => line.snapshot));

const isSwitch = new Set(['switch', 'rollback', 'adopt']);
