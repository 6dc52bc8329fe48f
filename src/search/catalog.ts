import { compareVersions } from '../domain/version.ts';
import type { SearchEntry } from './entry.ts';
import type { Traits } from './traits.ts';

/**
 * Package versions in the order of their answers, and columns of numbers beside them: a search walks the columns and looks at no
 * version that it does not answer, since that would be a walk through all of the memory that they lie in.
 */
export interface Catalog<E extends SearchEntry> {
  /** By name (bytes), then by version ascending; equal versions in the order they were found. */
  readonly entries: readonly E[];
  /** Where the versions of each name begin in `entries`, and behind the last of them the end of all. */
  readonly starts: Uint32Array;
  /** The place of each name in `starts`. */
  readonly places: ReadonlyMap<string, number>;
  /** The different traits, in no order. */
  readonly traits: readonly Traits[];
  /** For each entry the place of its traits in `traits`. */
  readonly traitsOf: Uint32Array;
  /** For each entry 1 where its version is equal to that of the entry before, of the same name (they differ in build metadata). */
  readonly repeats: Uint8Array;
}

/** Puts the versions of all names together. Names are in the order of their bytes, versions ascending. */
export function createCatalog<E extends SearchEntry>(byName: ReadonlyMap<string, readonly E[]>): Catalog<E> {
  const entries = [...byName.values()].flat();
  const starts = new Uint32Array(byName.size + 1);
  const places = new Map<string, number>();
  const known = new Map<Traits, number>();
  const traitsOf = new Uint32Array(entries.length);
  const repeats = new Uint8Array(entries.length);
  let at = 0;
  for (const [name, versions] of byName) {
    places.set(name, places.size);
    let before: E | undefined;
    for (const entry of versions) {
      const place = known.get(entry.traits) ?? known.size;
      known.set(entry.traits, place);
      traitsOf[at] = place;
      repeats[at] = before && compareVersions(before.version, entry.version) === 0 ? 1 : 0;
      before = entry;
      at++;
    }
    starts[places.size] = at;
  }
  return { entries, starts, places, traits: [...known.keys()], traitsOf, repeats };
}

/** Some entries of a catalog: those from `start` to before `end`. */
export interface Run {
  readonly start: number;
  readonly end: number;
}

/** The versions of each name, in the order of the names; of one name where it is given. */
export function runsOf({ starts, places }: Catalog<SearchEntry>, name: string | undefined): Run[] {
  const run = (place: number): Run => ({ start: starts[place] ?? 0, end: starts[place + 1] ?? 0 });
  if (name === undefined) {
    return Array.from({ length: places.size }, (_, place) => run(place));
  }
  const place = places.get(name);
  return place === undefined ? [] : [run(place)];
}
