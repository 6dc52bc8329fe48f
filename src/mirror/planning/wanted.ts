import { parseStrictVersion } from '../../domain/version.ts';
import type { Candidate } from '../../distribution/candidate.ts';
import { compareCandidates, idOf, newestOfEach } from '../../distribution/candidate.ts';
import type { Definition, Pin } from '../../distribution/definition.ts';
import type { Search } from '../../distribution/query-plan.ts';
import { planSearches } from '../../distribution/query-plan.ts';
import type { WantedProblem } from './plan.ts';
import { closeOverRequirements } from './requirements.ts';
import { eachConcurrently } from '../transfer/pool.ts';
import type { Upstream } from './upstream.ts';

/** What a definition comes to, asked of an upstream. */
export interface WantedSet {
  /** Sorted by name and version, each once. */
  readonly candidates: readonly Candidate[];
  /** What could not be had: entries that were refused, requirements that nothing satisfies. */
  readonly problems: readonly WantedProblem[];
  /** Names that queries ask for and nothing was found of, sorted: not in this registry, or mistyped. */
  readonly absent: readonly string[];
}

const searchWidth = 4;

/**
 * Resolves a definition: every search, then include and exclude, then the limits (so that `keep: 2` means two of those
 * that are left), then pins, which nothing filters, then what they require.
 */
export async function resolveWanted(
  definition: Definition,
  installed: readonly Pin[],
  upstream: Upstream,
  signal?: AbortSignal,
): Promise<WantedSet> {
  const searches = planSearches(definition);
  const { answers, problems, found } = await searchAll(searches, definition, upstream, signal);
  const wanted = new Map<string, Candidate>();
  for (const client of new Set(searches.map((search) => search.client))) {
    const ofClient = searches
      .filter((search) => search.client === client)
      .flatMap((search) => answers.get(search) ?? []);
    const distinct = new Map(ofClient.map((candidate) => [idOf(candidate), candidate]));
    for (const candidate of newestOfEach([...distinct.values()], definition.keep)) {
      wanted.set(idOf(candidate), candidate);
    }
  }
  for (const pin of [...definition.packages, ...installed]) {
    const parsed = parseStrictVersion(pin.version);
    if (parsed && !wanted.has(idOf(pin))) {
      wanted.set(idOf(pin), { ...pin, parsed });
    }
  }
  if (definition.dependencies) {
    problems.push(...(await closeOverRequirements(wanted, definition, upstream, signal)));
  }
  const asked = new Set(searches.flatMap(({ query }) => query.package ?? []));
  return {
    candidates: [...wanted.values()].toSorted(compareCandidates),
    problems: dedupe(problems),
    absent: [...asked].filter((name) => !found.has(name)).toSorted(),
  };
}

/** What all searches came to. */
interface SearchResults {
  /** Admitted by include and exclude, as many of each name as the search wants. */
  readonly answers: ReadonlyMap<Search, readonly Candidate[]>;
  readonly problems: WantedProblem[];
  /** Every name that was listed. */
  readonly found: ReadonlySet<string>;
}

async function searchAll(
  searches: readonly Search[],
  definition: Definition,
  upstream: Upstream,
  signal: AbortSignal | undefined,
): Promise<SearchResults> {
  const problems: WantedProblem[] = [];
  const answers = new Map<Search, readonly Candidate[]>();
  const admits = createFilter(definition);
  const found = new Set<string>();
  await eachConcurrently(searches, searchWidth, async (search) => {
    const answer = await upstream.search(search.parameters, signal);
    for (const error of answer.refused) {
      problems.push({ label: 'search', reason: error.message, error });
    }
    for (const { name } of answer.candidates) {
      found.add(name);
    }
    answers.set(search, newestOfEach(answer.candidates.filter(admits), search.versionLimit));
  });
  return { answers, problems, found };
}

function createFilter({ include, exclude }: Definition): (candidate: Candidate) => boolean {
  return ({ name, parsed }) =>
    (include.length === 0 || include.some((pattern) => pattern.matches(name, parsed))) &&
    !exclude.some((pattern) => pattern.matches(name, parsed));
}

/** The same listing fault comes with each matrix row, of another address; it is told once. */
function dedupe(problems: readonly WantedProblem[]): WantedProblem[] {
  const seen = new Map(
    problems.map((problem) => [problem.error ? problem.reason.replace(/^\S+/, '') : problem.reason, problem]),
  );
  return [...seen.values()];
}
