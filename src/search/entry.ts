import type { Version } from '../domain/version.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { PackageRecord } from './record.ts';
import type { Traits } from './traits.ts';
import { createTraitsReader } from './traits.ts';

/** A package version as searches see it: its record with what was parsed of it. */
export interface SearchEntry {
  readonly record: PackageRecord;
  readonly version: Version;
  readonly traits: Traits;
}

/** Parses records; what is equal in many of them is parsed once. */
export function createEntryParser(): (record: PackageRecord) => SearchEntry {
  const traitsOf = createTraitsReader();
  return (record) => {
    const version = parseStrictVersion(record.version);
    if (!version) {
      throw new TypeError(`a record has the version "${record.version}"`);
    }
    return { record, version, traits: traitsOf(record, version) };
  };
}
