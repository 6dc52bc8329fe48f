import type { Version } from '../domain/version.ts';
import { compareVersions } from '../domain/version.ts';
import { templatesInCategory, isInCategory } from './category-filter.ts';
import type { Catalog } from './catalog.ts';
import { runsOf } from './catalog.ts';
import { createConstraintTest } from './constraint-test.ts';
import type { SearchEntry } from './entry.ts';
import { findLegacy } from './legacy-filter.ts';
import { allOf, createTraitsTest, newestOf } from './positions.ts';
import type { DiscoveryFilter, SearchQuery } from './query.ts';
import type { Traits } from './traits.ts';

/** One hit. `templates` are the names that are shown where a category matches only through policy templates. */
export interface Hit<E extends SearchEntry> {
  readonly entry: E;
  readonly templates: ReadonlySet<string> | undefined;
}

/**
 * The packages that a query finds, by name and then by version ascending. The newest of each name is chosen after every
 * filter but `category`; of equal versions the first stays.
 */
export function search<E extends SearchEntry>(catalog: Catalog<E>, query: SearchQuery): Hit<E>[] {
  const positions = query.experimental ? findLegacy(catalog, query) : find(catalog, query);
  const { category } = query;
  const hits: Hit<E>[] = [];
  for (const position of positions) {
    const entry = catalog.entries[position];
    if (!entry) {
      continue;
    }
    if (category === undefined || isInCategory(entry.record.categories, category)) {
      hits.push({ entry, templates: undefined });
    } else {
      const templates = templatesInCategory(entry.record, category);
      if (templates) {
        hits.push({ entry, templates });
      }
    }
  }
  return hits;
}

/** Positions in the catalog's entries. */
function find(catalog: Catalog<SearchEntry>, query: SearchQuery): number[] {
  const kibana = createConstraintTest(query.kibana);
  const agent = createConstraintTest(query.agent);
  const matches = createTraitsTest(
    catalog,
    (traits) =>
      (query.type === undefined || traits.type === query.type) &&
      (query.prerelease || !traits.isPrerelease) &&
      kibana(traits.kibana) &&
      agent(traits.agent) &&
      hasCapabilities(traits, query.capabilities) &&
      isInSpecRange(traits.format, query) &&
      query.discovery.every((filter) => isDiscovered(traits, filter)),
  );
  const choose = query.all ? allOf : newestOf;
  return runsOf(catalog, query.name).flatMap((run) => choose(catalog, run, matches));
}

function hasCapabilities({ capabilities }: Traits, offered: readonly string[] | undefined): boolean {
  return offered === undefined || capabilities.every((capability) => offered.includes(capability));
}

/** As the reference does, a package without a format version is in no range. */
function isInSpecRange(format: Version | undefined, { specMin, specMax }: SearchQuery): boolean {
  if (specMin === undefined && specMax === undefined) {
    return true;
  }
  return (
    format !== undefined &&
    (specMin === undefined || compareVersions(format, specMin) >= 0) &&
    (specMax === undefined || compareVersions(format, specMax) <= 0)
  );
}

function isDiscovered(traits: Traits, { kind, values }: DiscoveryFilter): boolean {
  return kind === 'fields'
    ? (traits.discoveryFields?.every((name) => values.has(name)) ?? false)
    : (traits.discoveryDatasets?.some((name) => values.has(name)) ?? false);
}
