import type { Constraint } from '../domain/constraint.ts';
import { parseConstraint } from '../domain/constraint.ts';
import type { Version } from '../domain/version.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { PackageRecord } from './record.ts';

/** A package version as searches see it: its record with versions and constraints parsed. */
export interface SearchEntry {
  readonly record: PackageRecord;
  readonly version: Version;
  readonly format: Version | undefined;
  readonly kibana: Constraint | undefined;
  readonly agent: Constraint | undefined;
}

/** Parses records; equal constraints and versions are parsed once, since packages share a few dozen. */
export function createEntryParser(): (record: PackageRecord) => SearchEntry {
  const constraints = new Map<string, Constraint | undefined>();
  const formats = new Map<string, Version | undefined>();
  const constraint = (text: string | undefined): Constraint | undefined =>
    text === undefined ? undefined : remember(constraints, text, () => parseConstraint(text));
  return (record) => {
    const version = parseStrictVersion(record.version);
    if (!version) {
      throw new TypeError(`a record has the version "${record.version}"`);
    }
    const { format } = record;
    return {
      record,
      version,
      format:
        format === undefined ? undefined : remember(formats, format, () => parseStrictVersion(`${format}.0`)),
      kibana: constraint(record.kibana),
      agent: constraint(record.agent),
    };
  };
}

function remember<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) {
    return known as T;
  }
  const made = make();
  map.set(key, made);
  return made;
}
