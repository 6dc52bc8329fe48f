import type { SearchEntry } from './entry.ts';

/** Package versions in the order of their answers, and the same by name. */
export interface Catalog<E extends SearchEntry> {
  /** By name (bytes), then by version ascending; equal versions in the order they were found. */
  readonly entries: readonly E[];
  /** The versions of each name, ascending; names in the order of `entries`. */
  readonly byName: ReadonlyMap<string, readonly E[]>;
}

/** All versions, or those of one name. */
export function versionsOf<E extends SearchEntry>(
  catalog: Catalog<E>,
  name: string | undefined,
): readonly E[] {
  return name === undefined ? catalog.entries : (catalog.byName.get(name) ?? []);
}
