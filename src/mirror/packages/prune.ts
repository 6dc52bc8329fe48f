import { DepotError } from '../../domain/errors.ts';
import { syncFolder } from '../../files/folder.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Layout } from '../record/layout.ts';
import type { Plan } from '../planning/plan.ts';
import { removeFile } from './place.ts';

/**
 * Deletes what sync placed once and what isn't wanted any more: archive first, then its signatures, so no archive is
 * ever without its own. Throws DepotError PRUNE_REFUSED where the wanted set is empty, which is a fault far more often
 * than a wish.
 */
export async function pruneUnwanted(plan: Plan, layout: Layout): Promise<string[]> {
  if (plan.unwanted.length === 0) {
    return [];
  }
  if (plan.items.length === 0) {
    throw new DepotError('PRUNE_REFUSED', { reason: 'the distribution is empty, so everything would go' });
  }
  const deleted: string[] = [];
  for (const { id } of plan.unwanted) {
    for (const file of [layout.archive(id), layout.signature(id), layout.originalSignature(id)]) {
      await removeFile(file).catch((error: unknown) => {
        throw fileFault(error, file);
      });
    }
    deleted.push(id);
  }
  await syncFolder(layout.folder);
  return deleted;
}
