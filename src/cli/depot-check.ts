import path from 'node:path';
import { openDepot, type Depot } from '../depot/depot.ts';
import { digestFile } from '../depot/digest.ts';
import { foreignIn } from '../depot/mending.ts';
import { messageOf } from '../domain/errors.ts';
import type { VerifiedItem } from '../signing/verify-set.ts';
import { processEnvironment } from './depot-report.ts';
import type { VerifyDeps } from './verify.ts';

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
    const shown = (name: string): string => path.join(layout.current, name);
    const items = (await foreignIn(layout.snapshotFolder(id), files)).map((name) =>
      badItem(shown(name), 'unread', 'it does not belong to the snapshot'),
    );
    for (const file of files) {
      const found = await digestFile(path.join(layout.snapshotFolder(id), file.path)).catch(() => undefined);
      if (found === undefined) {
        items.push(badItem(shown(file.path), 'absent', "it is missing or can't be read"));
      } else if (found.sha256 !== file.sha256) {
        items.push(
          badItem(shown(file.path), 'broken', `its SHA-256 is ${found.sha256} instead of ${file.sha256}`),
        );
      }
    }
    return items;
  } catch (error) {
    return [badItem(layout.current, 'broken', messageOf(error))];
  }
};

const badItem = (file: string, archive: VerifiedItem['archive'], reason: string): VerifiedItem => ({
  path: file,
  ok: false,
  archive,
  lock: 'none',
  signature: 'unchecked',
  reasons: [reason],
});
