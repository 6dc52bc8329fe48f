import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { syncFolder } from './durable.ts';
import { fileFault } from './file-fault.ts';
import type { Layout } from './layout.ts';
import type { Plan } from './plan.ts';
import type { ReleasePlan } from './release-plan.ts';

/**
 * Deletes what sync placed once and what isn't wanted any more: archive first, then its signature, so no archive is
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
    for (const file of [layout.archive(id), layout.signature(id)]) {
      await deleteFile(file);
    }
    deleted.push(id);
  }
  await syncFolder(layout.folder);
  return deleted;
}

/**
 * The same for artifacts and what else is no package: returns the paths. What is wanted comes from the definition alone, no
 * upstream can shorten it; so a definition that says `artifacts: []` may empty the folder. Manifests go before their files,
 * artifacts before what lies beside them.
 */
export async function pruneRelease(plan: ReleasePlan, layout: Layout): Promise<string[]> {
  const rank = (path: string): number => (path.includes('/manifest/') ? 0 : 1);
  const paths = plan.unwanted.map(({ id }) => id).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  for (const path of paths) {
    await deleteFile(join(layout.folder, path));
  }
  for (const folder of new Set(paths.map((path) => dirname(join(layout.folder, path))))) {
    await syncFolder(folder);
  }
  return paths;
}

async function deleteFile(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw fileFault(error, file);
    }
  }
}
