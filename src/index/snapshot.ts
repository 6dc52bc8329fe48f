import type { Constraint } from '../domain/constraint.ts';
import { compareVersions } from '../domain/version.ts';
import { createEntryParser } from '../search/entry.ts';
import type { PackageRecord } from '../search/record.ts';
import type { PackageRef } from '../source/source.ts';
import { shareDeprecations } from './deprecations.ts';
import type { IndexedPackage, QuarantinedPackage } from './indexed-package.ts';

/** All that is served at one time. It never changes: a request takes it once and uses it to its end. */
export interface Snapshot {
  /** Counts up from 1 with each snapshot of a running server. */
  readonly generation: number;
  readonly indexedAt: Date;
  /** By name (bytes), then by version ascending; equal versions in the order they were found. */
  readonly packages: readonly IndexedPackage[];
  /** Different names. */
  readonly names: number;
  readonly quarantine: readonly QuarantinedPackage[];
  /** The distinct conditions, which tell apart all client versions that get different answers. */
  readonly kibanaConstraints: readonly Constraint[];
  readonly agentConstraints: readonly Constraint[];
  find(name: string, version: string): IndexedPackage | undefined;
}

/** A package to be served, with what is known of it. */
export interface SnapshotItem {
  readonly ref: PackageRef;
  readonly record: PackageRecord;
  readonly summary: Buffer;
  readonly detail: () => Promise<Buffer>;
}

/**
 * Makes a snapshot of items in the order of their sources: the same name and version twice, the first found wins.
 * `onDuplicate` is told of each other one.
 */
export function createSnapshot(
  generation: number,
  items: readonly SnapshotItem[],
  quarantine: readonly QuarantinedPackage[],
  onDuplicate: (item: SnapshotItem, first: SnapshotItem) => void,
): Snapshot {
  const parse = createEntryParser();
  const byKey = new Map<string, SnapshotItem>();
  for (const item of items) {
    const key = keyOf(item.record.name, item.record.version);
    const first = byKey.get(key);
    if (first) {
      onDuplicate(item, first);
    } else {
      byKey.set(key, item);
    }
  }
  const entries = [...byKey.values()].map((item): IndexedPackage => ({ ...parse(item.record), ...item }));
  const sorted = entries.toSorted(
    (a, b) => compareNames(a.record.name, b.record.name) || compareVersions(a.version, b.version),
  );
  const packages = shareDeprecations(sorted);
  const found = new Map(packages.map((entry) => [keyOf(entry.record.name, entry.record.version), entry]));
  return {
    generation,
    indexedAt: new Date(),
    packages,
    names: new Set(packages.map((entry) => entry.record.name)).size,
    quarantine,
    kibanaConstraints: distinct(packages.map((entry) => entry.kibana)),
    agentConstraints: distinct(packages.map((entry) => entry.agent)),
    find: (name, version) => found.get(keyOf(name, version)),
  };
}

const keyOf = (name: string, version: string): string => `${name}/${version}`;

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const distinct = (constraints: readonly (Constraint | undefined)[]): Constraint[] => [
  ...new Set(constraints.filter((constraint) => constraint !== undefined)),
];
