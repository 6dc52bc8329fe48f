import { compareCandidates, type Candidate } from '../../distribution/candidate.ts';
import type { Definition, Query } from '../../distribution/definition.ts';
import { createSearch, planSearches } from '../../distribution/query-plan.ts';
import type { Upstream } from './upstream.ts';

/** The versions of a name that one Kibana is answered with, oldest first. */
export interface Offer {
  readonly row: Query;
  readonly offered: readonly Candidate[];
}

/** What is offered of a name. */
export type OffersOf = (name: string) => Promise<readonly Offer[]>;

/** Asks the upstream what it offers of a name to each Kibana, once. */
export function createOffers(
  rows: readonly Query[],
  upstream: Upstream,
  signal: AbortSignal | undefined,
): OffersOf {
  const offers = new Map<string, Promise<readonly Offer[]>>();
  return (name) => {
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
}

/**
 * The Kibanas that a definition asks for, each with whether prereleases are wanted: those of its searches, where a query's
 * `kibana.version` wins over the row's. Their package and type say nothing of what these require.
 */
export function clientsOf(definition: Definition): readonly Query[] {
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
