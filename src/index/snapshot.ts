import type { Constraint } from '../domain/constraint.ts';
import { compareVersions } from '../domain/version.ts';
import { createCatalog, type Catalog } from '../search/catalog.ts';
import type { SearchEntry } from '../search/entry.ts';
import { createEntryParser } from '../search/entry.ts';
import type { PackageRecord } from '../search/record.ts';
import type { PackageRef } from '../source/source.ts';
import { createDeprecationSharing } from './deprecations.ts';
import type { IndexedPackage, QuarantinedPackage } from './indexed-package.ts';

/** All that is served at one time. It never changes: a request takes it once and uses it to its end. */
export interface Snapshot {
  /** Counts up from 1 with each snapshot of a running server. */
  readonly generation: number;
  readonly indexedAt: Date;
  /** By name (bytes), then by version ascending; equal versions in the order they were found. */
  readonly packages: readonly IndexedPackage[];
  /** The same packages as searches take them. */
  readonly catalog: Catalog<IndexedPackage>;
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

/** Makes snapshots one after another: what is the same in the next one is not made again. */
export type SnapshotMaker = (
  generation: number,
  items: readonly SnapshotItem[],
  quarantine: readonly QuarantinedPackage[],
) => Snapshot;

/**
 * Items are in the order of their sources: the same name and version twice, the first found wins. `onDuplicate` is told
 * of each other one when it is new.
 */
export function createSnapshotMaker(
  onDuplicate: (item: SnapshotItem, first: SnapshotItem) => void,
): SnapshotMaker {
  const parse = createEntryParser();
  const shareDeprecations = createDeprecationSharing();
  // By what a package was found to be; an unchanged package keeps its record from build to build.
  const parsed = new WeakMap<PackageRecord, SearchEntry>();
  const places = new WeakMap<PackageRecord, number>();
  let told = new Set<string>();
  const entryOf = (record: PackageRecord): SearchEntry => {
    const entry = parsed.get(record) ?? parse(record);
    parsed.set(record, entry);
    return entry;
  };

  return (generation, items, quarantine) => {
    const byKey = new Map<string, SnapshotItem>();
    const duplicates = new Set<string>();
    for (const item of items) {
      const key = keyOf(item.record.name, item.record.version);
      const first = byKey.get(key);
      if (!first) {
        byKey.set(key, item);
        continue;
      }
      const pair = `${item.ref.path}\n${first.ref.path}`;
      duplicates.add(pair);
      if (!told.has(pair)) {
        onDuplicate(item, first);
      }
    }
    told = duplicates;
    const packages = shareDeprecations(
      inOldOrder([...byKey.values()], places)
        .map((item): IndexedPackage => ({ ...entryOf(item.record), ...item }))
        .sort(compareEntries),
    );
    packages.forEach(({ record }, place) => places.set(record, place));
    const found = new Map(packages.map((entry) => [keyOf(entry.record.name, entry.record.version), entry]));
    const catalog = createCatalog(packages);
    return {
      generation,
      indexedAt: new Date(),
      packages,
      catalog,
      names: catalog.byName.size,
      quarantine,
      kibanaConstraints: distinct(packages.map((entry) => entry.kibana)),
      agentConstraints: distinct(packages.map((entry) => entry.agent)),
      find: (name, version) => found.get(keyOf(name, version)),
    };
  };
}

/** Those of the snapshot before in its order, the new ones behind them: then there is little left to sort. */
function inOldOrder(
  items: readonly SnapshotItem[],
  places: WeakMap<PackageRecord, number>,
): readonly SnapshotItem[] {
  const placed: SnapshotItem[] = [];
  const added: SnapshotItem[] = [];
  for (const item of items) {
    const place = places.get(item.record);
    if (place === undefined) {
      added.push(item);
    } else {
      placed[place] = item;
    }
  }
  return [...placed.filter(() => true), ...added];
}

/** True where a snapshot of these items and this quarantine would be the one that there is. */
export function sameContent(
  snapshot: Snapshot,
  before: readonly SnapshotItem[],
  {
    items,
    quarantine,
  }: { readonly items: readonly SnapshotItem[]; readonly quarantine: Snapshot['quarantine'] },
): boolean {
  return (
    items.length === before.length &&
    items.every((item, at) => sameItem(item, before[at])) &&
    JSON.stringify(quarantine) === JSON.stringify(snapshot.quarantine)
  );
}

// A file that is another one but holds the same (a copy, a touch) is read at its new place and with its new times.
const sameItem = (a: SnapshotItem, b: SnapshotItem | undefined): boolean =>
  b !== undefined &&
  a.record === b.record &&
  a.ref.path === b.ref.path &&
  a.ref.stamp === b.ref.stamp &&
  a.ref.signature?.stamp === b.ref.signature?.stamp;

const compareEntries = (a: IndexedPackage, b: IndexedPackage): number =>
  compareNames(a.record.name, b.record.name) || compareVersions(a.version, b.version);

const keyOf = (name: string, version: string): string => `${name}/${version}`;

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const distinct = (constraints: readonly (Constraint | undefined)[]): Constraint[] => [
  ...new Set(constraints.filter((constraint) => constraint !== undefined)),
];
