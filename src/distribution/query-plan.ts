import type { Definition, Query } from './definition.ts';

/** One question for `/search`, and how its answer is cut. */
export interface Search {
  /** The query string, keys in a fixed order, without `?`; equal questions have equal texts. */
  readonly parameters: string;
  readonly query: Query;
  /** Newest versions of each name to keep of this one answer; 0 keeps all. */
  readonly versionLimit: number;
  /**
   * Which Kibana asks so: its version, the package formats that it reads, and whether it shows prereleases. `keep` counts for each:
   * what the last of a line takes may be nothing that its first does, and a prerelease is nothing for who wants releases.
   */
  readonly client: string;
}

/** Every query with every matrix row, the query's value winning; equal questions are asked once, with the wider limit. */
export function planSearches(definition: Definition): readonly Search[] {
  const searches = new Map<string, Search>();
  for (const row of definition.matrix.length > 0 ? definition.matrix : [{}]) {
    for (const query of definition.queries) {
      const search = createSearch({ ...row, ...query }, definition);
      const same = searches.get(search.parameters);
      const versionLimit = same ? widerLimit(same.versionLimit, search.versionLimit) : search.versionLimit;
      searches.set(search.parameters, { ...search, versionLimit });
    }
  }
  return [...searches.values()];
}

/**
 * A question from merged parameters. More than one version of a name needs `all=true`: `/search` has no other way. So
 * does `keep: 1`, which means the newest of what include and exclude leave, not the newest or nothing.
 */
export function createSearch(
  query: Query,
  limits: { readonly versionLimit: number; readonly keep: number },
): Search {
  const versionLimit = query.versionLimit ?? limits.versionLimit;
  const all = versionLimit > 1 || limits.keep > 0 ? true : query.all;
  const parameters = new URLSearchParams();
  if (all) {
    parameters.set('all', 'true');
  }
  if (query.kibanaVersion) {
    parameters.set('kibana.version', query.kibanaVersion);
  }
  if (query.package) {
    parameters.set('package', query.package);
  }
  if (query.prerelease) {
    parameters.set('prerelease', 'true');
  }
  if (query.specMax) {
    parameters.set('spec.max', query.specMax);
  }
  if (query.specMin) {
    parameters.set('spec.min', query.specMin);
  }
  if (query.type) {
    parameters.set('type', query.type);
  }
  const { kibanaVersion = '', specMin = '', specMax = '' } = query;
  const client = `${kibanaVersion} ${specMin}-${specMax}${query.prerelease ? ' prereleases' : ''}`;
  return { parameters: parameters.toString(), query, versionLimit, client };
}

const widerLimit = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : Math.max(a, b));
