import { compareVersions } from '../domain/version.ts';
import type { SearchEntry } from '../search/entry.ts';
import { createEntryParser } from '../search/entry.ts';
import { shareDeprecation } from './deprecations.ts';
import type { IndexedPackage } from './indexed-package.ts';
import { isSameItem, type SnapshotItem } from './snapshot-item.ts';

/** All versions of one name. It never changes; the snapshots of a running server share those that are the same. */
export interface NameGroup {
  /** Version ascending, each once. */
  readonly packages: readonly IndexedPackage[];
  /** Items with a version that was found before, and the one that was. */
  readonly duplicates: readonly (readonly [item: SnapshotItem, first: SnapshotItem])[];
  find(version: string): IndexedPackage | undefined;
}

/** Makes the groups of one snapshot after another. */
export type NameGrouping = (items: readonly SnapshotItem[]) => ReadonlyMap<string, NameGroup>;

/** Groups by name, in the order of the names' bytes. What is as it was in the call before is not made again. */
export function createNameGrouping(): NameGrouping {
  const parse = createEntryParser();
  let before = new Map<string, { readonly items: readonly SnapshotItem[]; readonly group: NameGroup }>();
  return (items) => {
    const byName = new Map<string, SnapshotItem[]>();
    for (const item of items) {
      const { name } = item.record;
      const some = byName.get(name);
      if (some) {
        some.push(item);
      } else {
        byName.set(name, [item]);
      }
    }
    const made: typeof before = new Map();
    const groups = new Map<string, NameGroup>();
    for (const name of [...byName.keys()].toSorted(compareNames)) {
      const some = byName.get(name) ?? [];
      const old = before.get(name);
      const group = old && isSame(old.items, some) ? old.group : createGroup(some, parse);
      made.set(name, { items: some, group });
      groups.set(name, group);
    }
    before = made;
    return groups;
  };
}

const isSame = (a: readonly SnapshotItem[], b: readonly SnapshotItem[]): boolean =>
  a.length === b.length && a.every((item, at) => isSameItem(item, b[at]));

function createGroup(
  items: readonly SnapshotItem[],
  parse: (record: SnapshotItem['record']) => SearchEntry,
): NameGroup {
  const firsts = new Map<string, SnapshotItem>();
  const duplicates: (readonly [SnapshotItem, SnapshotItem])[] = [];
  for (const item of items) {
    const first = firsts.get(item.record.version);
    if (first) {
      duplicates.push([item, first]);
    } else {
      firsts.set(item.record.version, item);
    }
  }
  const packages = shareDeprecation(
    [...firsts.values()]
      .map((item): IndexedPackage => ({ ...parse(item.record), ...item }))
      .sort((a, b) => compareVersions(a.version, b.version)),
  );
  const byVersion = new Map(packages.map((entry) => [entry.record.version, entry]));
  return {
    packages,
    duplicates,
    find: (version) => byVersion.get(version),
  };
}

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
