import { parseConstraint } from '../../domain/constraint.ts';
import { parseLooseVersion } from '../../domain/version.ts';
import type { Candidate, Requirement } from '../../distribution/candidate.ts';
import { compareCandidates, idOf } from '../../distribution/candidate.ts';
import type { Definition, Query } from '../../distribution/definition.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import { createSearch, planSearches } from '../../distribution/query-plan.ts';
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
  const problems: (WantedProblem & { readonly satisfied?: Test })[] = [];
  const offers = new Map<string, Promise<readonly Offer[]>>();
  const rows = clientsOf(definition);
  const [only] = rows.length === 1 ? rows : [];

  const offersOf = (name: string): Promise<readonly Offer[]> => {
    const known = offers.get(name);
    if (known) {
      return known;
    }
    const asked = Promise.all(
      rows.map(async (row) => {
        const search = createSearch({ ...row, package: name, all: true }, { versionLimit: 0, keep: 0 });
        const { candidates } = await upstream.search(search.parameters, signal);
        return { row, offered: candidates.filter((one) => one.name === name).toSorted(compareCandidates) };
      }),
    );
    offers.set(name, asked);
    return asked;
  };

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
      const satisfied = createTest(requirement);
      const complain = (why: string): void => {
        problems.push({
          label: idOf(candidate),
          reason: `${idOf(candidate)} requires ${requirement.name} ${requirement.constraint}: ${why}`,
          ...(satisfied ? { satisfied } : {}),
        });
      };
      if (!satisfied) {
        complain('name or constraint is not proper');
        continue;
      }
      const meeting = [...wanted.values()].filter(satisfied);
      const isMet = meeting.length > 0;
      if (only && meeting.some((one) => isSurelyTaken(only, one))) {
        continue;
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
      if (added.length === 0 && !isMet) {
        complain(
          needed.some(({ fitting }) => fitting.length > 0) ? 'it is excluded' : 'the upstream has none',
        );
      }
      for (const one of added) {
        if (wanted.has(idOf(one))) {
          continue;
        }
        wanted.set(idOf(one), one);
        queue.push(one);
      }
    }
  }
  // What was lacking may have come with something else.
  const all = [...wanted.values()];
  return problems
    .filter(({ satisfied }) => !satisfied || !all.some(satisfied))
    .map(({ label, reason }) => ({ label, reason }));
}

/**
 * The Kibanas that a definition asks for, each with whether prereleases are wanted: those of its searches, where a query's
 * `kibana.version` wins over the row's. Their package and type say nothing of what these require.
 */
function clientsOf(definition: Definition): readonly Query[] {
  const searches = planSearches(definition).map(({ query }) => query);
  const asked = searches.length > 0 ? searches : definition.matrix;
  const clients = new Map<string, Query>();
  for (const { prerelease, kibanaVersion, specMin, specMax } of asked) {
    const client = {
      ...(kibanaVersion === undefined ? {} : { kibanaVersion }),
      ...(specMin === undefined ? {} : { specMin }),
      ...(specMax === undefined ? {} : { specMax }),
    };
    const key = JSON.stringify(client);
    const isPrerelease = prerelease === true || clients.get(key)?.prerelease === true;
    clients.set(key, { ...client, ...(isPrerelease ? { prerelease: true } : {}) });
  }
  return clients.size > 0 ? [...clients.values()] : [{}];
}

/** The versions of a name that one Kibana is answered with, oldest first. */
interface Offer {
  readonly row: Query;
  readonly offered: readonly Candidate[];
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
