import type { Version } from '../domain/version.ts';
import { compareVersions } from '../domain/version.ts';
import { templatesInCategory, isInCategory } from './category-filter.ts';
import type { Catalog } from './catalog.ts';
import { versionsOf } from './catalog.ts';
import { createConstraintTest } from './constraint-test.ts';
import type { SearchEntry } from './entry.ts';
import { applyLegacyFilter } from './legacy-filter.ts';
import type { DiscoveryFilter, SearchQuery } from './query.ts';
import type { PackageRecord } from './record.ts';

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
  const found = query.experimental ? applyLegacyFilter(catalog, query) : applyFilter(catalog, query);
  const { category } = query;
  if (category === undefined) {
    return found.map((entry) => ({ entry, templates: undefined }));
  }
  return found.flatMap((entry) => {
    if (isInCategory(entry.record.categories, category)) {
      return { entry, templates: undefined };
    }
    const templates = templatesInCategory(entry.record, category);
    return templates ? { entry, templates } : [];
  });
}

function applyFilter<E extends SearchEntry>(catalog: Catalog<E>, query: SearchQuery): readonly E[] {
  const kibana = createConstraintTest(query.kibana);
  const agent = createConstraintTest(query.agent);
  const matches = (entry: E): boolean =>
    (query.type === undefined || entry.record.type === query.type) &&
    (query.prerelease || (entry.version.prerelease === '' && entry.record.release !== 'experimental')) &&
    kibana(entry.kibana) &&
    agent(entry.agent) &&
    hasCapabilities(entry.record, query.capabilities) &&
    isInSpecRange(entry.format, query) &&
    query.discovery.every((filter) => isDiscovered(entry.record, filter));
  if (query.all) {
    return versionsOf(catalog, query.name).filter(matches);
  }
  const runs = query.name === undefined ? catalog.byName.values() : [versionsOf(catalog, query.name)];
  const newest: E[] = [];
  for (const versions of runs) {
    const found = newestOf(versions, matches);
    if (found) {
      newest.push(found);
    }
  }
  return newest;
}

/** Looks from the newest version down, so that the cost follows the names and not the versions. */
function newestOf<E extends SearchEntry>(
  versions: readonly E[],
  matches: (entry: E) => boolean,
): E | undefined {
  let newest: E | undefined;
  for (let at = versions.length - 1; at >= 0; at--) {
    const entry = versions[at];
    if (entry && newest && compareVersions(entry.version, newest.version) !== 0) {
      break;
    }
    if (entry && matches(entry)) {
      newest = entry;
    }
  }
  return newest;
}

function hasCapabilities(record: PackageRecord, offered: readonly string[] | undefined): boolean {
  return offered === undefined || record.capabilities.every((capability) => offered.includes(capability));
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

function isDiscovered(record: PackageRecord, { kind, values }: DiscoveryFilter): boolean {
  return kind === 'fields'
    ? (record.discoveryFields?.every((name) => values.has(name)) ?? false)
    : (record.discoveryDatasets?.some((name) => values.has(name)) ?? false);
}
