import { stat } from 'node:fs/promises';
import { countOf } from '../../domain/count.ts';
import { DepotError } from '../../domain/errors.ts';
import { reportedFault } from '../../net/http.ts';
import { join } from 'node:path';
import type { Facts, Journal } from '../record/journal.ts';
import type { Layout } from '../record/layout.ts';
import type { LockedFile } from '../record/locked-file.ts';
import { eachConcurrently } from '../transfer/pool.ts';
import { acquireGroup } from './acquire.ts';
import { filesOfGroup, type ReleaseGroup } from './group.ts';
import { isHidden, type PlannedGroup, type ReleasePlan } from './plan.ts';
import type { ReleaseDeps, ReleaseAcquireDeps } from './deps.ts';
import { vouches } from './keys.ts';
import { releaseTotals } from './plan-report.ts';
import { failureOf, type PartOutcome } from '../record/report.ts';
import { createTally, type Tally } from '../record/tally.ts';
import type { SyncRequest } from '../planning/request.ts';

/** What was done of a release, before it is reported. */
export interface ReleaseOutcome extends PartOutcome {
  /** For the lock file: what is there and good, also where a newer one failed. */
  readonly files: readonly LockedFile[];
}

/**
 * Brings what a plan lacks. Keys first, since they verify the rest; a manifest of Elastic Defend last and only with all that
 * it refers to, so that endpoints are never sent to a file that isn't there. One group's failure doesn't stop the others.
 */
export const carryOutRelease = async (
  plan: ReleasePlan,
  request: SyncRequest,
  deps: ReleaseDeps,
  journal: Journal,
  previous: readonly LockedFile[],
): Promise<ReleaseOutcome> => {
  const tally = createTally(
    plan.problems.map(({ label, reason, error }) =>
      failureOf(label, error ?? new DepotError('UPSTREAM_ANSWER', { url: label, reason })),
    ),
  );
  const done = new Map<string, Facts>();
  // Where a key could not be had now, the one that is here goes on vouching; not where its owner has ended it.
  const earlier = new Set<string>();
  const each = depsOfEach(tally, earlier, request, deps, journal);
  const bring = async (group: PlannedGroup): Promise<void> => {
    if (tally.halted) {
      return;
    }
    try {
      refuseIncomplete(group, done);
      const { facts, fetched } = await acquireGroup(group, each);
      for (const fact of facts) {
        done.set(fact.id, fact);
        (fetched.includes(fact.id) ? tally.fetched : tally.kept)(fact.id);
        if (group.state !== 'kept') {
          deps.progress.item();
        }
      }
    } catch (error) {
      const known = reportedFault(error);
      if (!(known instanceof DepotError)) {
        throw known;
      }
      tally.fail(group.main.path, known);
      if (known.code !== 'KEY_UNUSABLE') {
        group.main.facts?.fingerprints?.forEach((one) => earlier.add(one));
      }
    }
  };
  const { fetch, unknownSizes } = releaseTotals(plan);
  deps.progress.start({ items: fetch.items, bytes: unknownSizes > 0 ? 0 : fetch.bytes });
  const ofKind = (...kinds: readonly ReleaseGroup['kind'][]): readonly PlannedGroup[] =>
    plan.groups.filter(({ kind }) => kinds.includes(kind));
  try {
    await eachConcurrently(ofKind('key'), 1, bring);
    await eachConcurrently(ofKind('artifact', 'model', 'docs', 'defend'), request.concurrency, bring);
    await eachConcurrently(ofKind('manifest'), 1, bring);
  } finally {
    deps.progress.stop();
  }
  const wanted = new Set(plan.groups.flatMap((group) => filesOfGroup(group).map(({ path }) => path)));
  const stayed = previous.filter(
    ({ path }) => !done.has(path) && (wanted.has(path) || isHidden(path, plan.problems)),
  );
  const files = [
    ...[...done.values()].map(toLockedFile),
    ...(await stillThere(stayed, deps.layout, journal)),
  ];
  return { ...tally.outcome(() => 'what is left of the artifacts'), files };
};

const depsOfEach = (
  tally: Tally,
  earlier: ReadonlySet<string>,
  { requireSignature }: SyncRequest,
  deps: ReleaseDeps,
  journal: Journal,
): ReleaseAcquireDeps => ({
  ...deps,
  journal,
  isTrusted: async (fingerprint) =>
    !deps.trust.ended().has(fingerprint) &&
    vouches(
      await deps.sortedKeys(),
      fingerprint,
      deps.trust.accepted().has(fingerprint) || earlier.has(fingerprint),
    ),
  requireSignature,
  onBytes: (count) => {
    tally.received(count);
    deps.progress.bytes(count);
  },
  onWarning: tally.warn,
});

/** A manifest that refers to what did not come would send endpoints to files that aren't there. */
const refuseIncomplete = (
  { kind, main, needs = [] }: PlannedGroup,
  done: ReadonlyMap<string, Facts>,
): void => {
  const missing = kind === 'manifest' ? needs.filter((path) => !done.has(path)) : [];
  if (missing.length > 0) {
    throw new DepotError('ARCHIVE_MISMATCH', {
      file: main.path,
      reason: `it refers to ${countOf(missing.length, 'file')} that did not come; the first is ${missing[0]}`,
    });
  }
};

// A line of the journal knows more than a lock file says.
const toLockedFile = (facts: Facts): LockedFile => {
  const { id, sha256, sha512, size, signer, fingerprints, source } = facts;
  return {
    path: id,
    sha256,
    ...(sha512 === undefined ? {} : { sha512 }),
    size,
    ...(signer === undefined ? {} : { signer }),
    ...(fingerprints === undefined ? {} : { fingerprints }),
    source,
  };
};

/** Of the files that the lock file had and this run could not renew: those that are as they were. */
const stillThere = async (
  files: readonly LockedFile[],
  layout: Layout,
  journal: Journal,
): Promise<readonly LockedFile[]> => {
  const there: LockedFile[] = [];
  for (const file of files) {
    const stats = await stat(join(layout.folder, file.path)).catch(() => undefined);
    if (stats && journal.recall(file.path, stats)?.sha256 === file.sha256) {
      there.push(file);
    }
  }
  return there;
};
