import type { Journal } from '../record/journal.ts';
import type { LockedFile } from '../record/locked-file.ts';
import { compareRelease } from './comparison.ts';
import type { ReleasePlan } from './plan.ts';
import type { ReleaseDeps } from './deps.ts';
import type { SyncRequest } from '../planning/request.ts';
import { askReleaseSizes } from './sizes.ts';

/** What is wanted against the folder, with sizes where they are asked for. `previous` is of the folder's lock file. */
export const planRelease = async (
  request: SyncRequest,
  deps: ReleaseDeps,
  journal: Journal,
  previous: readonly LockedFile[],
): Promise<ReleasePlan> => {
  const { requireSignature, concurrency } = request;
  const { layout, sortedKeys } = deps;
  const folder = { layout, journal, previous, requireSignature, sortedKeys };
  const plan = await compareRelease(await deps.resolve(), folder);
  return request.askSizes || request.maxSize !== undefined
    ? askReleaseSizes(plan, concurrency * 2, deps)
    : plan;
};
