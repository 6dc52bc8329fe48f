import { DepotError } from '../../domain/errors.ts';
import { idOf } from '../../distribution/candidate.ts';
import { showUrl } from '../../net/http.ts';
import type { Journal } from '../record/journal.ts';
import type { LockFile } from '../record/lock-file.ts';
import type { Plan, PlanItem, WantedItem } from '../planning/plan.ts';
import { comparePlan, totalsOf } from '../planning/plan.ts';
import { eachConcurrently } from '../transfer/pool.ts';
import type { PackageDeps } from './deps.ts';
import type { SyncRequest } from '../planning/request.ts';
import type { Upstream } from '../planning/upstream.ts';
import type { WantedSet } from '../planning/wanted.ts';
import type { WantedProblem } from '../planning/wanted-problem.ts';

/** Candidates as items with their addresses; one whose address is refused becomes a problem. */
export function locateItems(
  wanted: WantedSet,
  upstream: Upstream,
): { items: WantedItem[]; problems: WantedProblem[]; absent: readonly string[] } {
  const items: WantedItem[] = [];
  const problems = [...wanted.problems];
  for (const candidate of wanted.candidates) {
    const { name, version, kibana } = candidate;
    const id = idOf(candidate);
    try {
      items.push({
        id,
        name,
        version,
        archiveUrl: upstream.archiveUrl(candidate),
        signatureUrl: upstream.signatureUrl(candidate),
        // Pins weren't listed, so nothing is known of theirs.
        unsigned: candidate.requires !== undefined && candidate.signaturePath === undefined,
        ...(kibana === undefined ? {} : { kibana }),
      });
    } catch (error) {
      if (!(error instanceof DepotError)) {
        throw error;
      }
      problems.push({ label: id, reason: error.message, error });
    }
  }
  return { items, problems, absent: wanted.absent };
}

/** What is wanted against what is there, with sizes where they can be had. Throws SET_TOO_LARGE. */
export async function makePlan(
  request: SyncRequest,
  deps: PackageDeps,
  journal: Journal,
  previous: LockFile | undefined,
): Promise<Plan> {
  const { items, problems, absent = [] } = await deps.resolve();
  // A registry that has lost its packages must not empty the lock file.
  if (items.length === 0 && problems.length === 0) {
    const names = absent.length > 0 ? `: the registry has nothing for ${absent.join(', ')}` : '';
    throw new DepotError('SET_EMPTY', { distribution: request.distribution, absent: names });
  }
  const { requireSignature } = request;
  const compared = await comparePlan(items, problems, {
    layout: deps.layout,
    journal,
    previous,
    requireSignature,
    sortedKeys: deps.sortedKeys,
    resignedBy: deps.stripper?.fingerprint,
  });
  const plan = { ...compared, absent };
  const sized =
    request.askSizes || request.maxSize !== undefined ? await askSizes(plan, request, deps) : plan;
  const { fetch, keep } = totalsOf(sized);
  const bytes = fetch.bytes + keep.bytes;
  if (request.maxSize !== undefined && bytes > request.maxSize) {
    throw new DepotError('SET_TOO_LARGE', { bytes, limit: request.maxSize });
  }
  return sized;
}

async function askSizes(plan: Plan, request: SyncRequest, deps: PackageDeps): Promise<Plan> {
  const sizes = new Map<string, number>();
  const unknown = plan.items.filter((item) => item.state === 'new');
  for (const item of unknown) {
    if (item.locked) {
      sizes.set(item.id, (item.locked.original ?? item.locked).size);
    }
  }
  const absent: WantedProblem[] = [];
  let silent = 0;
  await eachConcurrently(
    unknown.filter((item) => !item.locked),
    request.concurrency * 2,
    async (item) => {
      // An upstream that doesn't answer HEAD isn't asked a thousand times.
      if (silent >= 10 && sizes.size === 0) {
        return;
      }
      try {
        const { size, isAbsent } = await deps.upstream.archivePresence(item.archiveUrl, deps.signal);
        if (isAbsent) {
          absent.push({
            label: item.id,
            reason: `${showUrl(item.archiveUrl)}: the upstream does not have it (404)`,
          });
        }
        if (size === undefined) {
          silent++;
        } else {
          sizes.set(item.id, size);
        }
      } catch (error) {
        if (error instanceof DepotError && error.code === 'INTERRUPTED') {
          throw error;
        }
        silent++;
      }
    },
  );
  const items = plan.items.map((item): PlanItem => {
    const size = item.state === 'new' ? sizes.get(item.id) : undefined;
    return size === undefined ? item : { ...item, size };
  });
  // A run finds out by itself, and tells which of them failed; a dry run has nothing else to tell it by.
  return { ...plan, items, problems: request.dryRun ? [...plan.problems, ...absent] : plan.problems };
}
