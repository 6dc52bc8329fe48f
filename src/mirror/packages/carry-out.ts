import { readdir } from 'node:fs/promises';
import { countOf } from '../../domain/count.ts';
import { DepotError } from '../../domain/errors.ts';
import { totalsOf } from '../planning/plan-report.ts';
import type { LockedPackage } from '../record/locked-package.ts';
import type { AcquireDeps } from './acquire.ts';
import { acquire } from './acquire.ts';
import { fileFault } from '../../files/file-fault.ts';
import { syncFolder } from '../../files/folder.ts';
import type { Facts, Journal } from '../record/journal.ts';
import type { Plan, PlanItem } from '../planning/plan.ts';
import { createPlacing } from './place.ts';
import { createGate, eachConcurrently } from '../transfer/pool.ts';
import { failureOf, type Failure, type PartOutcome } from '../record/report.ts';
import type { PackageDeps } from './deps.ts';
import type { SyncRequest } from '../planning/request.ts';
import { createReceivedBuffers } from '../transfer/received-buffers.ts';

/** What was done of the packages, before it is reported. */
export interface PackageOutcome extends PartOutcome {
  /** For the lock file. */
  readonly packages: readonly LockedPackage[];
}

/** Brings what a plan lacks. One package's failure doesn't stop the others. */
export async function carryOutPackages(
  plan: Plan,
  request: SyncRequest,
  deps: PackageDeps,
  journal: Journal,
): Promise<PackageOutcome> {
  const { layout, progress } = deps;
  const startedAt = performance.now();
  const done: Facts[] = plan.items.flatMap((item) => item.facts ?? []);
  const kept = plan.items.filter((item) => item.facts).map((item) => item.id);
  const items = new Map(plan.items.map((item) => [item.id, item]));
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
  const totals = totalsOf(plan);
  let bytes = 0;
  let halted: DepotError | undefined;
  const each: AcquireDeps = {
    ...deps,
    journal,
    requireSignature: request.requireSignature,
    leftovers: new Set(await readdir(layout.work)),
    present: new Set(await readdir(layout.folder)),
    gate: createGate(request.concurrency),
    placing: createPlacing(layout),
    onBytes: (count) => {
      bytes += count;
      progress.bytes(count);
      // The plan has held what sizes it knew against the bound; the upstream may have told none.
      if (request.maxSize !== undefined && bytes + totals.keep.bytes > request.maxSize) {
        halted ??= new DepotError('SET_TOO_LARGE', {
          bytes: bytes + totals.keep.bytes,
          limit: request.maxSize,
        });
      }
    },
    buffers: createReceivedBuffers(),
    onWarning: (label, reason) => warnings.push({ label, reason }),
  };
  const work = plan.items.filter((item) => item.state !== 'kept');
  progress.start({ items: work.length, bytes: totals.unknownSizes > 0 ? 0 : totals.fetch.bytes });
  try {
    // Wider than the gate: while some are checked and reach the disk, others are fetched.
    await eachConcurrently(work, request.concurrency + 64, async (item) => {
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
  await syncFolder(layout.folder).catch((error: unknown) => {
    const fault = fileFault(error, layout.folder);
    if (!(fault instanceof DepotError)) {
      throw fault;
    }
    failed.push(failureOf(layout.folder, fault));
  });
  if (halted) {
    failed.push(failureOf(countOf(work.length - fetched.length, 'package'), halted));
  }
  return {
    fetched: fetched.toSorted(),
    kept: kept.toSorted(),
    failed: failed.toSorted((a, b) => (a.label < b.label ? -1 : 1)),
    warnings,
    packages: done.map((facts) => toLocked(facts, items.get(facts.id))),
    bytes,
    seconds: (performance.now() - startedAt) / 1000,
    halted,
  };
}

/** For the lock file. A set that is made again keeps its sources, from whichever mirror it came now: the lock is the same. */
function toLocked(facts: Facts, item: PlanItem | undefined): LockedPackage {
  const { id, sha256, size, signer, signature, original } = facts;
  const source = item?.locked?.source ?? facts.source;
  const kibana = item?.kibana;
  const dash = id.indexOf('-');
  return {
    name: id.slice(0, dash),
    version: id.slice(dash + 1),
    sha256,
    size,
    source,
    ...(kibana === undefined ? {} : { kibana }),
    ...(signer === undefined ? {} : { signer }),
    ...(signature ? { signature } : {}),
    ...(original ? { original } : {}),
  };
}
