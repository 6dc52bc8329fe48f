import { setMaxListeners } from 'node:events';
import { DepotError } from '../domain/errors.ts';
import { fileFault } from '../files/file-fault.ts';
import { dropEmpty, ensureFolder } from '../files/folder.ts';
import { holdingLock, type RunLock } from '../files/run-lock.ts';
import { carryOut, type SyncResult } from './carry-out.ts';
import { totalsOf } from './planning/plan-report.ts';
import type { Journal } from './record/journal.ts';
import { openJournal, type Facts } from './record/journal.ts';
import type { Layout } from './record/layout.ts';
import type { LockFile } from './record/lock-file.ts';
import { readLockFile } from './record/lock-file.ts';
import { makePlan } from './packages/make-plan.ts';
import { planRelease } from './release/make-plan.ts';
import { releaseTotals } from './release/plan-report.ts';
import type { SyncDeps, SyncPlan } from './sync-deps.ts';
import type { SyncRequest } from './planning/request.ts';

/**
 * Makes a folder hold a distribution: plan, fetch, check, lock file, and prune where asked for. Packages come first, then
 * what agents and others download; both stand in one lock file. Throws DepotError where nothing can be done at all.
 */
export async function runSync(request: SyncRequest, deps: SyncDeps): Promise<SyncResult> {
  const { layout } = deps;
  if (deps.signal) {
    // Every request listens; hundreds at once are no leak.
    setMaxListeners(0, deps.signal);
  }
  if (request.dryRun) {
    const previous = await readLockFile(layout.lockFile);
    const journal = await openJournal(layout.journal, true, await placedBefore(deps, previous));
    const plan = await planAll(request, deps, journal, previous);
    deps.onPlan(plan);
    return { plan };
  }
  const made = await ensureFolder(layout.work);
  try {
    return await holdingLock(folderLock(layout), 'sync', new Date(), async () => {
      await deps.prepare?.();
      const previous = await readLockFile(layout.lockFile);
      const journal = await openJournal(layout.journal, false, await placedBefore(deps, previous));
      try {
        const plan = await planAll(request, deps, journal, previous);
        deps.onPlan(plan);
        return { plan, ...(await carryOut(plan, request, deps, journal, previous)) };
      } finally {
        await journal.close();
      }
    });
  } finally {
    // Of a run that came to nothing nothing stays.
    await dropEmpty(made);
  }
}

/** What one run holds while it fills a folder. Refuses with FOLDER_BUSY. */
const folderLock = ({ folder, busyFile }: Layout): RunLock => ({
  file: busyFile,
  refusal: (holder) => new DepotError('FOLDER_BUSY', { folder, holder }),
  fault: (error) => fileFault(error, busyFile),
});

/** What sync has placed by the lock files that are known: the one that is about to be replaced, and those before it. */
async function placedBefore(
  { lockFilesBefore }: SyncDeps,
  previous: LockFile | undefined,
): Promise<readonly Facts[]> {
  const locks = [...(previous ? [previous] : []), ...((await lockFilesBefore?.()) ?? [])];
  return locks.flatMap(({ packages, files = [] }) => [
    ...packages.map(({ name, version, sha256, size, source }) => ({
      id: `${name}-${version}`,
      sha256,
      size,
      source,
    })),
    ...files.map(({ path, sha256, size, source }) => ({ id: path, sha256, size, source })),
  ]);
}

async function planAll(
  request: SyncRequest,
  deps: SyncDeps,
  journal: Journal,
  previous: LockFile | undefined,
): Promise<SyncPlan> {
  const packages = deps.packages && (await makePlan(request, deps.packages, journal, previous));
  const release = deps.release && (await planRelease(request, deps.release, journal, previous?.files ?? []));
  const totals = [packages && totalsOf(packages), release && releaseTotals(release)];
  const bytes = totals.reduce((sum, one) => sum + (one ? one.fetch.bytes + one.keep.bytes : 0), 0);
  if (request.maxSize !== undefined && bytes > request.maxSize) {
    throw new DepotError('SET_TOO_LARGE', { bytes, limit: request.maxSize });
  }
  return { ...(packages ? { packages } : {}), ...(release ? { release } : {}) };
}
