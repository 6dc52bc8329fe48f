import { DepotError } from '../domain/errors.ts';
import { disagreements } from './agreement.ts';
import type { Finding } from './finding.ts';
import { journalError, type JournalState } from './journal-chain.ts';
import { readJournalFile } from './journal.ts';
import type { DepotLayout } from './layout.ts';
import type { SnapshotRecord } from './record.ts';

/** A depot's journal, its chain whole and all of it understood. Throws JOURNAL_BROKEN or FORMAT_NEWER. */
export const soundJournal = async (layout: DepotLayout): Promise<JournalState> => {
  const state = await readJournalFile(layout.journal);
  if (state.fault !== undefined) {
    throw journalError(layout.journal, state.fault);
  }
  return state;
};

/**
 * Refuses a record that the journal doesn't vouch for: before a snapshot is put in force again, or leaves the depot in a bundle or
 * an image, which others trust. Throws JOURNAL_BROKEN, and DEPOT_DAMAGED where the journal tells of another set or of none.
 */
export const refuseUnvouched = async (layout: DepotLayout, record: SnapshotRecord): Promise<void> => {
  const damage = await objection(layout, record);
  if (damage !== undefined) {
    throw new DepotError('DEPOT_DAMAGED', { path: damage.path, reason: damage.reason });
  }
};

/** The same as an answer. Throws JOURNAL_BROKEN. */
export const isVouched = async (layout: DepotLayout, record: SnapshotRecord): Promise<boolean> =>
  (await objection(layout, record)) === undefined;

const objection = async (layout: DepotLayout, record: SnapshotRecord): Promise<Finding | undefined> => {
  const state = await soundJournal(layout);
  const alone = { records: [record], current: undefined, marks: undefined };
  return disagreements(state, alone, layout).find((one) => one.severity === 'damage');
};
