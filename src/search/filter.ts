import type { Version } from '../domain/version.ts';
import { compareVersions } from '../domain/version.ts';
import { templatesInCategory, isInCategory } from './category-filter.ts';
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
 * The packages that a query finds, in the order of `entries`, which is by name and then by version ascending.
 * The newest of each name is chosen after every filter but `category`; of equal versions the first stays.
 */
export function search<E extends SearchEntry>(entries: readonly E[], query: SearchQuery): Hit<E>[] {
  const found = query.experimental ? applyLegacyFilter(entries, query) : applyFilter(entries, query);
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

function applyFilter<E extends SearchEntry>(entries: readonly E[], query: SearchQuery): E[] {
  const kibana = createConstraintTest(query.kibana);
  const agent = createConstraintTest(query.agent);
  const matches = (entry: E): boolean =>
    (query.name === undefined || entry.record.name === query.name) &&
    (query.type === undefined || entry.record.type === query.type) &&
    (query.prerelease || (entry.version.prerelease === '' && entry.record.release !== 'experimental')) &&
    kibana(entry.kibana) &&
    agent(entry.agent) &&
    hasCapabilities(entry.record, query.capabilities) &&
    isInSpecRange(entry.format, query) &&
    query.discovery.every((filter) => isDiscovered(entry.record, filter));
  const found = entries.filter(matches);
  return query.all ? found : newestOfEachName(found);
}

/** Entries come by name and version ascending, so the last of a run is the newest; of equal ones the first stays. */
function newestOfEachName<E extends SearchEntry>(entries: readonly E[]): E[] {
  const newest: E[] = [];
  for (const entry of entries) {
    const last = newest.at(-1);
    if (last?.record.name !== entry.record.name) {
      newest.push(entry);
    } else if (compareVersions(entry.version, last.version) > 0) {
      newest[newest.length - 1] = entry;
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
