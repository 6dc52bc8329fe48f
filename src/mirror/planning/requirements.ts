import { parseConstraint } from '../../domain/constraint.ts';
import { parseLooseVersion } from '../../domain/version.ts';
import type { Candidate, Requirement } from '../../distribution/candidate.ts';
import { idOf } from '../../distribution/candidate.ts';
import type { Definition, Query } from '../../distribution/definition.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import { clientsOf, createOffers, type OffersOf } from './offers.ts';
import type { WantedProblem } from './plan.ts';
import type { Upstream } from './upstream.ts';

/**
 * Adds to `wanted` what its packages require, and what those require: for each Kibana that the definition asks for and that takes
 * the package, the newest version that satisfies it, where nothing wanted does that this Kibana takes. For a package that none
 * of them takes (a pin), where nothing wanted does at all, the newest for each. `exclude` wins over a requirement; `include`
 * doesn't limit it.
 */
export async function closeOverRequirements(
  wanted: Map<string, Candidate>,
  definition: Definition,
  upstream: Upstream,
  signal?: AbortSignal,
): Promise<WantedProblem[]> {
  const rows = clientsOf(definition);
  const closure: Closure = { wanted, definition, rows, offersOf: createOffers(rows, upstream, signal) };
  const unmet: Unmet[] = [];
  const queue = [...wanted.values()];
  // Whether something chosen meets what they require is known when all else is chosen.
  const last: Candidate[] = [];
  const isLast = new Set<Candidate>();
  for (let candidate = queue.shift(); candidate; candidate = queue.shift() ?? last.shift()) {
    const conditions = candidate.requires ? candidate : await upstream.conditions(candidate, signal);
    const takers = rows.filter((row) => takes(row, conditions ?? {}));
    if (takers.length === 0 && !isLast.has(candidate)) {
      const known: Candidate = { ...candidate, ...conditions, requires: conditions?.requires ?? [] };
      isLast.add(known);
      last.push(known);
      continue;
    }
    for (const requirement of conditions?.requires ?? []) {
      const answer = await meet(requirement, takers, closure);
      if (typeof answer === 'string') {
        unmet.push({ id: idOf(candidate), requirement, why: answer });
        continue;
      }
      for (const one of answer) {
        // More than one Kibana may be offered the same version.
        if (!wanted.has(idOf(one))) {
          wanted.set(idOf(one), one);
          queue.push(one);
        }
      }
    }
  }
  return problemsOf(unmet, wanted);
}

/** What is wanted until now, and what there is for it. */
interface Closure {
  readonly wanted: ReadonlyMap<string, Candidate>;
  readonly definition: Definition;
  readonly rows: readonly Query[];
  readonly offersOf: OffersOf;
}

/** What a package requires and nothing met when it was looked at. */
interface Unmet {
  readonly id: string;
  readonly requirement: Requirement;
  readonly why: string;
}

/** What was lacking may have come with something else. */
function problemsOf(unmet: readonly Unmet[], wanted: ReadonlyMap<string, Candidate>): WantedProblem[] {
  const all = [...wanted.values()];
  return unmet.flatMap(({ id, requirement, why }) => {
    const satisfied = createTest(requirement);
    return satisfied && all.some(satisfied)
      ? []
      : [{ label: id, reason: `${id} requires ${requirement.name} ${requirement.constraint}: ${why}` }];
  });
}

/** What has to be added for a requirement of a package that these Kibanas take, which may be nothing; or why it can't be met. */
async function meet(
  requirement: Requirement,
  takers: readonly Query[],
  { wanted, definition, rows, offersOf }: Closure,
): Promise<readonly Candidate[] | string> {
  const satisfied = createTest(requirement);
  if (!satisfied) {
    return 'name or constraint is not proper';
  }
  const meeting = [...wanted.values()].filter(satisfied);
  const isMet = meeting.length > 0;
  const [only] = rows.length === 1 ? rows : [];
  if (only && meeting.some((one) => isSurelyTaken(only, one))) {
    return [];
  }
  const all = (await offersOf(requirement.name)).map(({ row, offered }) => ({
    row,
    fitting: offered.filter(satisfied),
  }));
  // What a package needs is needed where it can be installed; of one that fits no row nothing is known but itself.
  const fit = all.filter(({ row }) => takers.includes(row));
  const needed = fit.length > 0 || isMet ? fit : all;
  const added = needed
    .filter(({ fitting }) => !fitting.some((one) => wanted.has(idOf(one))))
    .flatMap(({ fitting }) => fitting.findLast((one) => !isExcluded(one, definition)) ?? []);
  if (added.length > 0 || isMet) {
    return added;
  }
  return needed.some(({ fitting }) => fitting.length > 0) ? 'it is excluded' : 'the upstream has none';
}

/** Whether a row's Kibana takes a package; true where one of them says nothing about it. */
function takes({ kibanaVersion }: Query, { kibana }: Pick<Candidate, 'kibana'>): boolean {
  const version = kibanaVersion === undefined ? undefined : parseLooseVersion(kibanaVersion);
  const constraint = kibana === undefined ? undefined : parseConstraint(kibana);
  return !version || !constraint || constraint.test(version);
}

/** Of a pin nothing is known: it wasn't listed. */
const isSurelyTaken = (row: Query, candidate: Candidate): boolean =>
  row.kibanaVersion === undefined || (candidate.requires !== undefined && takes(row, candidate));

const isExcluded = (candidate: Candidate, definition: Definition): boolean =>
  definition.exclude.some((pattern) => pattern.matches(candidate.name, candidate.parsed));

type Test = (candidate: Candidate) => boolean;

function createTest({ name, constraint }: Requirement): Test | undefined {
  const parsed = parseConstraint(constraint);
  if (!parsed || !isPackageName(name)) {
    return undefined;
  }
  return (candidate) => candidate.name === name && parsed.test(candidate.parsed);
}
