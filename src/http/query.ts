import { DepotError } from '../domain/errors.ts';
import type { Version } from '../domain/version.ts';
import { parseLooseVersion } from '../domain/version.ts';
import type { DiscoveryFilter, SearchQuery } from '../search/query.ts';

/** What `/categories` takes beside the filters. */
export interface CategoriesQuery {
  readonly query: SearchQuery;
  readonly includePolicyTemplates: boolean;
}

const shared = [
  'kibana.version',
  'agent.version',
  'capabilities',
  'spec.min',
  'spec.max',
  'prerelease',
  'experimental',
  'discovery',
];
const searchParameters = new Set([...shared, 'category', 'package', 'type', 'all', 'internal']);
const categoriesParameters = new Set([...shared, 'include_policy_templates']);

/**
 * Reads the query of `/search`. Only the first value of a parameter counts, except for `discovery`; an empty one is as
 * if it were absent. Throws QUERY_INVALID with the reference's texts.
 */
export function readSearchQuery(query: string, allowUnknown: boolean): SearchQuery {
  const values = readValues(query, searchParameters, allowUnknown);
  return {
    ...readShared(values, () => flag(values, 'all')),
    category: text(values, 'category'),
    name: text(values, 'package'),
    type: text(values, 'type'),
  };
}

/** Reads the query of `/categories`, by the same rules. */
export function readCategoriesQuery(query: string, allowUnknown: boolean): CategoriesQuery {
  const values = readValues(query, categoriesParameters, allowUnknown);
  return {
    query: { ...readShared(values, () => false), category: undefined, name: undefined, type: undefined },
    includePolicyTemplates: flag(values, 'include_policy_templates'),
  };
}

/** In the reference's order: of several bad values it names the first in it. */
function readShared(
  values: URLSearchParams,
  readAll: () => boolean,
): Omit<SearchQuery, 'category' | 'name' | 'type'> {
  return {
    kibana: version(values, 'kibana.version', 'Kibana'),
    agent: version(values, 'agent.version', 'agent'),
    capabilities: text(values, 'capabilities')?.split(','),
    specMin: specVersion(values, 'spec.min'),
    specMax: specVersion(values, 'spec.max'),
    all: readAll(),
    experimental: flag(values, 'experimental'),
    prerelease: flag(values, 'prerelease'),
    discovery: values
      .getAll('discovery')
      .filter((value) => value !== '')
      .map(readDiscovery),
  };
}

function readValues(query: string, known: ReadonlySet<string>, allowUnknown: boolean): URLSearchParams {
  const values = new URLSearchParams(dropMalformed(query));
  const unknown = allowUnknown ? undefined : [...values.keys()].find((key) => !known.has(key));
  if (unknown !== undefined) {
    throw invalid(`unknown query parameter: ${JSON.stringify(unknown)}`);
  }
  return values;
}

// The reference's parser takes no semicolon, which once was another separator, and no broken escape.
const malformed = /;|%(?![0-9a-fA-F]{2})/;

/** As in the reference, a pair that can't be read is as if it were absent; the others count. */
function dropMalformed(query: string): string {
  return malformed.test(query)
    ? query
        .replace(/^\?/, '')
        .split('&')
        .filter((pair) => !malformed.test(pair))
        .join('&')
    : query;
}

const invalid = (message: string): DepotError => new DepotError('QUERY_INVALID', { text: message });

const text = (values: URLSearchParams, key: string): string | undefined => values.get(key) || undefined;

// Go's strconv.ParseBool.
const flags: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true]),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false]),
]);

function flag(values: URLSearchParams, key: string): boolean {
  const value = text(values, key);
  const read = value === undefined ? false : Object.hasOwn(flags, value) ? flags[value] : undefined;
  if (read === undefined) {
    throw invalid(`invalid '${key}' query param: '${value}'`);
  }
  return read;
}

function version(values: URLSearchParams, key: string, of: string): Version | undefined {
  const value = text(values, key);
  const parsed = value === undefined ? undefined : parseLooseVersion(value);
  if (value !== undefined && !parsed) {
    throw invalid(`invalid ${of} version '${value}': ${versionFault(value)}`);
  }
  return parsed;
}

const looseForm =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** The reference tells numbers beyond 2^64-1 and a leading zero in a prerelease identifier apart from everything else. */
function versionFault(value: string): string {
  const [whole, ...parts] = looseForm.exec(value) ?? [];
  const [tag, ...numbers] = [parts.pop(), ...parts];
  const large = numbers.find(
    (digits) => digits !== undefined && BigInt(digits) > 18_446_744_073_709_551_615n,
  );
  if (large !== undefined) {
    return `error parsing version segment: strconv.ParseUint: parsing "${large}": value out of range`;
  }
  return whole !== undefined && tag?.split('.').some((part) => /^0\d+$/.test(part))
    ? 'version segment starts with 0'
    : 'invalid semantic version';
}

function specVersion(values: URLSearchParams, key: string): Version | undefined {
  const value = text(values, key);
  if (value === undefined) {
    return undefined;
  }
  if (value.split('.').length !== 2) {
    throw invalid(`invalid '${key}' version: invalid version '${value}': it should be <major.version>`);
  }
  const parsed = parseLooseVersion(value);
  if (!parsed) {
    throw invalid(`invalid '${key}' version: invalid spec version '${value}': ${versionFault(value)}`);
  }
  return parsed;
}

function readDiscovery(value: string): DiscoveryFilter {
  const colon = value.indexOf(':');
  const kind = value.slice(0, colon);
  if (colon < 0) {
    throw invalid(
      `invalid 'discovery' query param: '${value}': could not parse filter ${JSON.stringify(value)}`,
    );
  }
  if (kind !== 'fields' && kind !== 'datasets') {
    throw invalid(
      `invalid 'discovery' query param: '${value}': unknown discovery filter ${JSON.stringify(kind)}`,
    );
  }
  return { kind, values: new Set(value.slice(colon + 1).split(',')) };
}
