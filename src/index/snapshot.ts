import type { Constraint } from '../domain/constraint.ts';
import type { Catalog } from '../search/catalog.ts';
import { createCatalog } from '../search/catalog.ts';
import type { IndexedPackage, QuarantinedPackage } from './indexed-package.ts';
import { createNameGrouping } from './name-group.ts';
import { isSameItem, type SnapshotItem } from './snapshot-item.ts';

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
  const group = createNameGrouping();
  let told = new Set<string>();
  return (generation, items, quarantine) => {
    const groups = group(items);
    const all = [...groups.values()];
    const duplicates = new Set<string>();
    for (const [item, first] of all.flatMap((one) => one.duplicates)) {
      const pair = `${item.ref.path}\n${first.ref.path}`;
      duplicates.add(pair);
      if (!told.has(pair)) {
        onDuplicate(item, first);
      }
    }
    told = duplicates;
    const catalog = createCatalog(new Map([...groups].map(([name, one]) => [name, one.packages])));
    return {
      generation,
      indexedAt: new Date(),
      packages: catalog.entries,
      catalog,
      names: groups.size,
      quarantine,
      kibanaConstraints: distinct(catalog.traits.map(({ kibana }) => kibana)),
      agentConstraints: distinct(catalog.traits.map(({ agent }) => agent)),
      find: (name, version) => groups.get(name)?.find(version),
    };
  };
}

const distinct = (constraints: readonly (Constraint | undefined)[]): readonly Constraint[] => [
  ...new Set(constraints.filter((constraint) => constraint !== undefined)),
];

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
    items.every((item, at) => isSameItem(item, before[at])) &&
    JSON.stringify(quarantine) === JSON.stringify(snapshot.quarantine)
  );
}
