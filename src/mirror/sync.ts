import { setMaxListeners } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import type { AcquireDeps } from './acquire.ts';
import { acquire } from './acquire.ts';
import { syncFolder, writeDurably } from './durable.ts';
import { fileFault } from './file-fault.ts';
import { lockFolder } from './folder-lock.ts';
import type { Facts, Journal } from './journal.ts';
import { openJournal } from './journal.ts';
import type { Layout } from './layout.ts';
import type { LockFile } from './lock-file.ts';
import { formatLockFile } from './lock-file.ts';
import { makePlan } from './make-plan.ts';
import type { Plan } from './plan.ts';
import { totalsOf } from './plan.ts';
import { createPlacing } from './placing.ts';
import { createGate, eachConcurrently } from './pool.ts';
import { pruneUnwanted } from './prune.ts';
import type { Failure, SyncReport } from './report.ts';
import { failureOf } from './report.ts';
import type { SyncDeps, SyncRequest } from './sync-request.ts';

/** What came of it. */
export interface SyncResult {
  readonly plan: Plan;
  /** Undefined for a dry run. */
  readonly report?: SyncReport;
}

/**
 * Makes a folder hold a distribution: plan, fetch, check, lock file, and prune where asked for. One package's failure
 * doesn't stop the others. Throws DepotError where nothing can be done at all.
 */
export async function runSync(request: SyncRequest, deps: SyncDeps): Promise<SyncResult> {
  const { layout } = deps;
  if (deps.signal) {
    // Every request listens; hundreds at once are no leak.
    setMaxListeners(0, deps.signal);
  }
  if (request.dryRun) {
    const plan = await makePlan(request, deps, await openJournal(layout.journal, true));
    deps.onPlan(plan);
    return { plan };
  }
  try {
    await mkdir(layout.work, { recursive: true });
  } catch (error) {
    throw fileFault(error, layout.work);
  }
  const release = await lockFolder(layout.folder, layout.busyFile);
  try {
    await deps.prepare?.();
    const journal = await openJournal(layout.journal, false);
    try {
      const plan = await makePlan(request, deps, journal);
      deps.onPlan(plan);
      return { plan, report: await carryOut(plan, request, deps, journal) };
    } finally {
      await journal.close();
    }
  } finally {
    await release();
  }
}

async function carryOut(
  plan: Plan,
  request: SyncRequest,
  deps: SyncDeps,
  journal: Journal,
): Promise<SyncReport> {
  const { layout, progress } = deps;
  const startedAt = performance.now();
  const done: Facts[] = plan.items.flatMap((item) => item.facts ?? []);
  const kept = plan.items.filter((item) => item.facts).map((item) => item.id);
  const fetched: string[] = [];
  const warnings: { label: string; reason: string }[] = [];
  const failed: Failure[] = plan.problems.map((problem) =>
    problem.error
      ? failureOf(problem.label, problem.error)
      : {
          label: problem.label,
          code: 'REQUIREMENT',
          reason: problem.reason,
          advice: 'Add what is required, or leave the package out.',
        },
  );
  let bytes = 0;
  let halted: DepotError | undefined;
  const each: AcquireDeps = {
    ...deps,
    journal,
    requireSignature: request.requireSignature,
    leftovers: new Set(await readdir(layout.work)),
    gate: createGate(request.concurrency),
    placing: createPlacing(layout),
    onBytes: (count) => {
      bytes += count;
      progress.bytes(count);
    },
    onWarning: (label, reason) => warnings.push({ label, reason }),
  };
  const work = plan.items.filter((item) => item.state !== 'kept');
  progress.start({
    items: work.length,
    bytes: totalsOf(plan).unknownSizes > 0 ? 0 : totalsOf(plan).fetch.bytes,
  });
  try {
    // Wider than the gate: while some are checked and reach the disk, others are fetched.
    await eachConcurrently(work, request.concurrency + 24, async (item) => {
      if (halted) {
        return;
      }
      try {
        const { facts, fetched: isNew } = await acquire(item, each);
        done.push(facts);
        (isNew ? fetched : kept).push(item.id);
        progress.item();
      } catch (error) {
        if (!(error instanceof DepotError)) {
          throw error;
        }
        if (error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') {
          halted = error;
        } else {
          failed.push(failureOf(item.id, error));
        }
      }
    });
  } finally {
    progress.stop();
  }
  await syncFolder(layout.folder);
  if (halted) {
    failed.push(failureOf(`${work.length - fetched.length} packages`, halted));
  }
  const lock: LockFile = {
    distribution: request.distribution,
    address: request.address,
    packages: done.map(toLocked),
  };
  // A run that was cut short knows less than the lock file that is there.
  if (!halted && !(request.locked && failed.length > 0)) {
    await writeLock(layout, lock, failed);
  }
  const pruned = request.prune ? await prune(plan, layout, failed) : [];
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = (ids: readonly string[]): string[] => ids.toSorted();
  const report: SyncReport = {
    distribution: request.distribution,
    folder: layout.folder,
    fetched: sorted(fetched),
    kept: sorted(kept),
    pruned,
    failed: failed.toSorted((a, b) => (a.label < b.label ? -1 : 1)),
    warnings,
    bytes,
    seconds,
  };
  return { ...report, ...(await deps.conclude?.(report, lock)) };
}

async function writeLock(layout: Layout, lock: LockFile, failed: Failure[]): Promise<void> {
  try {
    await writeDurably(layout.lockFile, `${layout.work}/distribution.lock.new`, formatLockFile(lock));
  } catch (error) {
    if (!(error instanceof DepotError)) {
      throw error;
    }
    failed.push(failureOf('distribution.lock', error));
  }
}

async function prune(plan: Plan, layout: Layout, failed: Failure[]): Promise<string[]> {
  if (failed.length > 0) {
    const error = new DepotError('PRUNE_REFUSED', { reason: 'not everything that is wanted is there' });
    failed.push(failureOf('prune', error));
    return [];
  }
  return await pruneUnwanted(plan, layout);
}

function toLocked(facts: Facts): LockFile['packages'][number] {
  const { id, sha256, size, source, signer, signature, original } = facts;
  const dash = id.indexOf('-');
  return {
    name: id.slice(0, dash),
    version: id.slice(dash + 1),
    sha256,
    size,
    source,
    ...(signer === undefined ? {} : { signer }),
    ...(signature ? { signature } : {}),
    ...(original ? { original } : {}),
  };
}
