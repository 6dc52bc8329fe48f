import { DepotError } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { fileFault } from '../files/file-fault.ts';
import type { Journal } from './record/journal.ts';
import type { Layout } from './record/layout.ts';
import { formatLockFile, type LockFile } from './record/lock-file.ts';
import { pruneUnwanted } from './packages/prune.ts';
import { carryOutRelease, type ReleaseOutcome } from './release/carry-out.ts';
import { pruneRelease } from './release/prune.ts';
import { failureOf, type Failure, type PartOutcome, type SyncReport } from './record/report.ts';
import { carryOutPackages, type PackageOutcome } from './packages/carry-out.ts';
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
 * Brings what a plan lacks, then writes the lock file, sweeps and prunes, as far as what came allows it. Throws DepotError where
 * nothing can be done at all.
 */
export async function carryOut(
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
  const lock = lockOf(packages, release, request, previous);
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

/** What a folder holds now. A part that this run leaves alone is still that of the run that brought it. */
const lockOf = (
  packages: PackageOutcome | undefined,
  release: ReleaseOutcome | undefined,
  request: SyncRequest,
  previous: LockFile | undefined,
): LockFile => {
  const { distribution, address } = !packages && previous?.packages.length ? previous : request;
  return {
    distribution,
    address,
    packages: packages?.packages ?? previous?.packages ?? [],
    files: release?.files ?? previous?.files ?? [],
  };
};

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
