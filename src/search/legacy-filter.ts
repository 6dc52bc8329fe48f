import type { Catalog } from './catalog.ts';
import { runsOf } from './catalog.ts';
import { createConstraintTest } from './constraint-test.ts';
import type { SearchEntry } from './entry.ts';
import { allOf, createTraitsTest, newestOf } from './positions.ts';
import type { SearchQuery } from './query.ts';
import type { Traits } from './traits.ts';

/**
 * The filter behind `experimental=true`, for clients from before `prerelease`: only `kibana.version`, `package` and
 * `type` count (and `category`, later). Per name a stable version beats any other; with `all`, a name that has a stable
 * version loses the others. Positions in the catalog's entries. Behaviour copied from the reference.
 */
export function findLegacy(catalog: Catalog<SearchEntry>, query: SearchQuery): number[] {
  const kibana = createConstraintTest(query.kibana);
  const matches = (traits: Traits): boolean =>
    (query.type === undefined || traits.type === query.type) && kibana(traits.kibana);
  const isFound = createTraitsTest(catalog, matches);
  const isStable = createTraitsTest(catalog, (traits) => traits.isStable && matches(traits));
  const choose = query.all ? allOf : newestOf;
  return runsOf(catalog, query.name).flatMap((run) => {
    const stable = choose(catalog, run, isStable);
    return stable.length > 0 ? stable : choose(catalog, run, isFound);
  });
}
