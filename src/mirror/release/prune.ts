import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../files/folder.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Layout } from '../record/layout.ts';
import type { ReleasePlan } from './plan.ts';

/**
 * Deletes what sync placed once of artifacts, keys, models and docs and what isn't wanted any more; returns the paths. What is
 * wanted comes from the definition alone, no upstream can shorten it; so a definition that says `artifacts: []` may empty the
 * folder. Manifests go before their files, artifacts before what lies beside them.
 */
export async function pruneRelease(plan: ReleasePlan, layout: Layout): Promise<string[]> {
  const rank = (path: string): number => (path.includes('/manifest/') ? 0 : 1);
  const paths = plan.unwanted.map(({ id }) => id).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  for (const path of paths) {
    const file = join(layout.folder, path);
    try {
      await rm(file, { force: true });
    } catch (error) {
      throw fileFault(error, file);
    }
  }
  for (const folder of new Set(paths.map((path) => dirname(join(layout.folder, path))))) {
    await syncFolder(folder);
  }
  return paths;
}
