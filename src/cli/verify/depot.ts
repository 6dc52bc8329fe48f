import path from 'node:path';
import { openDepot, type Depot } from '../../depot/depot.ts';
import { digestFile } from '../../files/digest.ts';
import { checkFolder } from '../../depot/folder-check.ts';
import { messageOf } from '../../domain/errors.ts';
import type { VerifiedItem } from '../../signing/verified-archive.ts';
import { processEnvironment } from '../depot-report.ts';
import type { VerifyDeps } from './deps.ts';

/**
 * What `fleet-depot verify DEPOT` says beside the archives of the current snapshot: an item for a broken journal, and one for
 * each file that isn't as the snapshot's record has it, since a byte of an archive may change that its checks don't look at.
 */
export const checkDepot: NonNullable<VerifyDeps['verifyDepot']> = async (folder) => {
  const depot = await openDepot(folder, processEnvironment);
  const { fault } = await depot.journal.read();
  const journal =
    fault === undefined
      ? []
      : [badItem(depot.layout.journal, 'broken', `line ${fault.line}: ${fault.reason}`)];
  return [...journal, ...(await checkCurrent(depot))];
};

const checkCurrent = async ({ layout, snapshots }: Depot): Promise<VerifiedItem[]> => {
  try {
    const id = await snapshots.current();
    if (id === undefined) {
      return [badItem(layout.current, 'absent', 'the depot has no snapshot in force yet')];
    }
    const { files } = await snapshots.record(id);
    const deviations = await checkFolder(
      layout.snapshotFolder(id),
      files,
      async (place) => (await digestFile(place)).sha256,
    );
    return deviations.map((one) =>
      badItem(path.join(layout.current, one.path), states[one.kind], one.reason),
    );
  } catch (error) {
    return [badItem(layout.current, 'broken', messageOf(error))];
  }
};

const states = { foreign: 'unread', missing: 'absent', other: 'broken' } as const;

const badItem = (file: string, archive: VerifiedItem['archive'], reason: string): VerifiedItem => ({
  path: file,
  ok: false,
  archive,
  lock: 'none',
  signature: 'unchecked',
  reasons: [reason],
});
