import type { Catalog, Run } from './catalog.ts';
import type { SearchEntry } from './entry.ts';
import type { Traits } from './traits.ts';

/** Whether the entry at a position of the catalog is wanted. */
export type PositionTest = (position: number) => boolean;

const [unknown, refused, wanted] = [0, 1, 2];

/** Tests the entry at a position by its traits, which are looked at once, when the first entry that has them is asked for. */
export function createTraitsTest(
  { traits, traitsOf }: Catalog<SearchEntry>,
  test: (traits: Traits) => boolean,
): PositionTest {
  const results = new Uint8Array(traits.length);
  return (position) => {
    const place = traitsOf[position] ?? traits.length;
    if (results[place] === unknown) {
      const one = traits[place];
      results[place] = one && test(one) ? wanted : refused;
    }
    return results[place] === wanted;
  };
}

/** Every position of a run that is wanted. */
export function allOf(_catalog: Catalog<SearchEntry>, { start, end }: Run, isWanted: PositionTest): number[] {
  const found: number[] = [];
  for (let at = start; at < end; at++) {
    if (isWanted(at)) {
      found.push(at);
    }
  }
  return found;
}

/** The position of the newest version of a run that is wanted, the first of equal ones; none or one. */
export function newestOf(
  { repeats }: Catalog<SearchEntry>,
  { start, end }: Run,
  isWanted: PositionTest,
): number[] {
  let at = end - 1;
  while (at >= start && !isWanted(at)) {
    at--;
  }
  if (at < start) {
    return [];
  }
  let newest = at;
  while (repeats[at] === 1) {
    at--;
    if (isWanted(at)) {
      newest = at;
    }
  }
  return [newest];
}
