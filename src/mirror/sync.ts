import { setMaxListeners } from 'node:events';
import { DepotError } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { fileFault } from '../files/file-fault.ts';
import { dropEmpty, ensureFolder } from '../files/folder.ts';
import { holdingLock, type RunLock } from '../files/run-lock.ts';
import { totalsOf } from './planning/plan-report.ts';
import type { Journal } from './record/journal.ts';
import { openJournal, type Facts } from './record/journal.ts';
import type { Layout } from './record/layout.ts';
import type { LockFile } from './record/lock-file.ts';
import { formatLockFile, readLockFile } from './record/lock-file.ts';
import { makePlan } from './packages/make-plan.ts';
import { pruneUnwanted } from './packages/prune.ts';
import { carryOutRelease, planRelease } from './release/carry-out.ts';
import { pruneRelease } from './release/prune.ts';
import { releaseTotals } from './release/plan-report.ts';
import { failureOf, type Failure, type PartOutcome, type SyncReport } from './record/report.ts';
import { carryOutPackages } from './packages/carry-out.ts';
import { sweepHalves } from './sweep.ts';
import type { SyncDeps, SyncPlan } from './sync-deps.ts';
import type { SyncRequest } from './planning/request.ts';

/** What came of it. */
export interface SyncResult {
  readonly plan: SyncPlan;
  /** Of the packages; undefined for a dry run. */
  readonly report?: SyncReport;
  /** Of artifacts, keys, models and docs. */
  readonly release?: SyncReport;
}

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

async function carryOut(
  plan: SyncPlan,
  request: SyncRequest,
  deps: SyncDeps,
  journal: Journal,
  previous: LockFile | undefined,
): Promise<Omit<SyncResult, 'plan'>> {
  const { layout } = deps;
  const packages =
    plan.packages && deps.packages
      ? await carryOutPackages(plan.packages, request, deps.packages, journal)
      : undefined;
  const files = previous?.files ?? [];
  const release =
    plan.release && deps.release && !packages?.halted
      ? await carryOutRelease(plan.release, request, deps.release, journal, files)
      : undefined;
  // Packages that this run leaves alone are still those of the run that brought them.
  const { distribution, address } = !packages && previous?.packages.length ? previous : request;
  const lock: LockFile = {
    distribution,
    address,
    packages: packages?.packages ?? previous?.packages ?? [],
    files: release?.files ?? files,
  };
  const problems: Failure[] = [];
  const failed = (): number =>
    (packages?.failed.length ?? 0) + (release?.failed.length ?? 0) + problems.length;
  // A run that was cut short, or got nothing, knows less than the lock file that is there.
  const isEmpty = lock.packages.length + (lock.files?.length ?? 0) === 0;
  if (!packages?.halted && !release?.halted && !((request.locked || isEmpty) && failed() > 0)) {
    await journal.keep();
    await writeLock(layout, lock, problems);
  }
  if (failed() === 0) {
    await sweepHalves(layout, { packages: packages !== undefined, release: release !== undefined });
  }
  const pruned = await prune(plan, request, deps, failed() > 0, problems);
  const report = packages && reportOf(packages, request, layout, pruned.packages, problems);
  // What concerns both is told once.
  const artifacts = release && reportOf(release, request, layout, pruned.release, report ? [] : problems);
  const outcome = {
    failed: failed(),
    pruned: [...pruned.packages.map((id) => `${id}.zip`), ...pruned.release],
  };
  const concluded = await deps.conclude?.(outcome, lock);
  return {
    ...(report ? { report: { ...report, ...concluded } } : {}),
    ...(artifacts ? { release: { ...artifacts, ...concluded } } : {}),
  };
}

const reportOf = (
  outcome: PartOutcome,
  request: SyncRequest,
  layout: Layout,
  pruned: readonly string[],
  problems: readonly Failure[],
): SyncReport => ({
  distribution: request.distribution,
  folder: layout.folder,
  fetched: outcome.fetched,
  kept: outcome.kept,
  pruned,
  failed: [...outcome.failed, ...problems],
  warnings: outcome.warnings,
  bytes: outcome.bytes,
  seconds: outcome.seconds,
});

async function writeLock(layout: Layout, lock: LockFile, problems: Failure[]): Promise<void> {
  try {
    await writeDurably(layout.lockFile, formatLockFile(lock), {
      temporary: `${layout.work}/distribution.lock.new`,
    });
  } catch (error) {
    const fault = fileFault(error, layout.lockFile);
    if (!(fault instanceof DepotError)) {
      throw fault;
    }
    problems.push(failureOf('distribution.lock', fault));
  }
}

/** What was deleted of each part. */
interface Pruned {
  readonly packages: readonly string[];
  readonly release: readonly string[];
}

async function prune(
  { packages, release }: SyncPlan,
  request: SyncRequest,
  { layout }: SyncDeps,
  hasFailed: boolean,
  problems: Failure[],
): Promise<Pruned> {
  if (request.prune && hasFailed) {
    const error = new DepotError('PRUNE_REFUSED', { reason: 'not everything that is wanted is there' });
    problems.push(failureOf('prune', error));
  }
  if (!request.prune || hasFailed) {
    return { packages: [], release: [] };
  }
  return {
    packages: packages ? await pruneUnwanted(packages, layout) : [],
    release: release ? await pruneRelease(release, layout) : [],
  };
}
