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
import type { Plan, PlanItem, WantedProblem } from '../planning/plan.ts';
import { createPlacing } from './place.ts';
import { createGate, eachConcurrently } from '../transfer/pool.ts';
import { failureOf, type Failure, type PartOutcome } from '../record/report.ts';
import { createTally, type Tally } from '../record/tally.ts';
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
  const tally = createTally(plan.problems.map(failureOfProblem));
  const done: Facts[] = [];
  for (const { id, facts } of plan.items) {
    if (facts) {
      done.push(facts);
      tally.kept(id);
    }
  }
  const each = await depsOfEach(tally, plan, request, deps, journal);
  const bring = async (item: PlanItem): Promise<void> => {
    if (tally.halted) {
      return;
    }
    try {
      const { facts, fetched } = await acquire(item, each);
      done.push(facts);
      (fetched ? tally.fetched : tally.kept)(item.id);
      progress.item();
    } catch (error) {
      if (!(error instanceof DepotError)) {
        throw error;
      }
      tally.fail(item.id, error);
    }
  };
  const work = plan.items.filter((item) => item.state !== 'kept');
  const { fetch, unknownSizes } = totalsOf(plan);
  progress.start({ items: work.length, bytes: unknownSizes > 0 ? 0 : fetch.bytes });
  try {
    // Wider than the gate: while some are checked and reach the disk, others are fetched.
    await eachConcurrently(work, request.concurrency + 64, bring);
  } finally {
    progress.stop();
  }
  await syncFolder(layout.folder).catch((error: unknown) => {
    const fault = fileFault(error, layout.folder);
    if (!(fault instanceof DepotError)) {
      throw fault;
    }
    tally.note(layout.folder, fault);
  });
  const items = new Map(plan.items.map((item) => [item.id, item]));
  return {
    ...tally.outcome((fetched) => countOf(work.length - fetched, 'package')),
    packages: done.map((facts) => toLocked(facts, items.get(facts.id))),
  };
}

const failureOfProblem = ({ label, reason, error }: WantedProblem): Failure =>
  error
    ? failureOf(label, error)
    : {
        label,
        code: 'REQUIREMENT',
        reason,
        advice: 'Add what is required, or leave the package out.',
      };

async function depsOfEach(
  tally: Tally,
  plan: Plan,
  { maxSize, requireSignature, concurrency }: SyncRequest,
  deps: PackageDeps,
  journal: Journal,
): Promise<AcquireDeps> {
  const { layout, progress } = deps;
  const { keep } = totalsOf(plan);
  return {
    ...deps,
    journal,
    requireSignature,
    leftovers: new Set(await readdir(layout.work)),
    present: new Set(await readdir(layout.folder)),
    gate: createGate(concurrency),
    placing: createPlacing(layout),
    onBytes: (count) => {
      tally.received(count);
      progress.bytes(count);
      // The plan has held what sizes it knew against the bound; the upstream may have told none.
      const bytes = tally.bytes + keep.bytes;
      if (maxSize !== undefined && bytes > maxSize && !tally.halted) {
        tally.halt(new DepotError('SET_TOO_LARGE', { bytes, limit: maxSize }));
      }
    },
    buffers: createReceivedBuffers(),
    onWarning: tally.warn,
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
