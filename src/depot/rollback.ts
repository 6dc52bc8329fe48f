import { DepotError } from '../domain/errors.ts';
import type { Depot } from './depot.ts';
import { rollbackVerb, rolledBackAlready } from './succession.ts';

/** What a rollback came to. */
export interface RolledBack {
  readonly id: string;
  /** In force before; the same where nothing had to be done. */
  readonly before: string | undefined;
  /** The rollback before this one was killed after its switch: this one has only finished it. */
  readonly wasCut: boolean;
}

/**
 * Switches to an earlier snapshot, the one before the current if none is named. What is put in force has to be what was signed once:
 * damage is mended from the store. Throws SNAPSHOT_UNKNOWN, DEPOT_LOCKED, and DEPOT_DAMAGED for what can't be mended.
 */
export const rollBack = (depot: Depot, name: string | undefined): Promise<RolledBack> =>
  depot.smallChange(rollbackVerb, async (cut) => {
    const before = await depot.snapshots.current().catch(() => undefined);
    const wasCut =
      name === undefined &&
      before !== undefined &&
      rolledBackAlready((await depot.journal.read()).lines, cut) !== undefined;
    if (wasCut) {
      return { id: before, before, wasCut };
    }
    const id = await depot.snapshots.resolve(name ?? 'previous');
    if (id !== before) {
      refuseDamaged(depot, id, (await depot.snapshots.mend(id)).left);
      await depot.snapshots.switchTo(id, 'rollback');
    }
    return { id, before, wasCut };
  });

const refuseDamaged = (depot: Depot, id: string, left: readonly string[]): void => {
  const [first] = left;
  if (first !== undefined) {
    throw new DepotError('DEPOT_DAMAGED', {
      path: depot.layout.snapshotFolder(id),
      reason: `${first}${left.length > 1 ? `, and ${left.length - 1} more` : ''}; what is in force stays`,
    });
  }
};
