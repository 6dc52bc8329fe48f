import { DepotError } from '../../domain/errors.ts';
import { idOf } from '../../distribution/candidate.ts';
import { comparePlan } from '../planning/comparison.ts';
import { totalsOf } from '../planning/plan-report.ts';
import type { Journal } from '../record/journal.ts';
import type { LockFile } from '../record/lock-file.ts';
import type { Plan, WantedItem, WantedProblem } from '../planning/plan.ts';
import type { PackageDeps } from './deps.ts';
import type { SyncRequest } from '../planning/request.ts';
import type { Upstream } from '../planning/upstream.ts';
import type { WantedSet } from '../planning/wanted.ts';
import { askSizes } from './sizes.ts';

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
