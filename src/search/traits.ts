import type { Constraint } from '../domain/constraint.ts';
import { parseConstraint } from '../domain/constraint.ts';
import type { Version } from '../domain/version.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { PackageRecord } from './record.ts';

/**
 * All that filters ask of a package version but its name, its place among the versions and its categories. Versions that don't
 * differ in it share one object: the thousands of a registry have some hundred different ones.
 */
export interface Traits {
  readonly type: string;
  /** By its version or by its release. */
  readonly isPrerelease: boolean;
  /** A version ≥ 1.0.0 without a prerelease tag, whatever its release says. */
  readonly isStable: boolean;
  readonly format: Version | undefined;
  readonly kibana: Constraint | undefined;
  readonly agent: Constraint | undefined;
  readonly capabilities: readonly string[];
  readonly discoveryFields: readonly string[] | undefined;
  readonly discoveryDatasets: readonly string[] | undefined;
}

/** Reads the traits of records; equal ones are made once, and so are equal constraints and format versions. */
export function createTraitsReader(): (record: PackageRecord, version: Version) => Traits {
  const known = new Map<string, Traits>();
  const constraints = new Map<string, Constraint | undefined>();
  const formats = new Map<string, Version | undefined>();
  const constraint = (text: string | undefined): Constraint | undefined =>
    text === undefined ? undefined : remember(constraints, text, () => parseConstraint(text));
  return (record, version) => {
    const isPrerelease = version.prerelease !== '' || record.release === 'experimental';
    const isStable = version.prerelease === '' && version.major > 0;
    const { type, format, kibana, agent, capabilities, discoveryFields, discoveryDatasets } = record;
    const key = JSON.stringify([
      type,
      isPrerelease,
      isStable,
      format,
      kibana,
      agent,
      capabilities,
      discoveryFields,
      discoveryDatasets,
    ]);
    return remember(known, key, () => ({
      type,
      isPrerelease,
      isStable,
      format:
        format === undefined ? undefined : remember(formats, format, () => parseStrictVersion(`${format}.0`)),
      kibana: constraint(kibana),
      agent: constraint(agent),
      capabilities,
      discoveryFields,
      discoveryDatasets,
    }));
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
