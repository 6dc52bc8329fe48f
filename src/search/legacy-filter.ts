import { compareVersions } from '../domain/version.ts';
import type { Catalog } from './catalog.ts';
import { versionsOf } from './catalog.ts';
import { createConstraintTest } from './constraint-test.ts';
import type { SearchEntry } from './entry.ts';
import type { SearchQuery } from './query.ts';

/**
 * The filter behind `experimental=true`, for clients from before `prerelease`: only `kibana.version`, `package` and
 * `type` count (and `category`, later). Per name a stable version beats any other; with `all`, a name that has a stable
 * version loses the others. Behaviour copied from the reference.
 */
export function applyLegacyFilter<E extends SearchEntry>(catalog: Catalog<E>, query: SearchQuery): E[] {
  const kibana = createConstraintTest(query.kibana);
  const found = versionsOf(catalog, query.name).filter(
    (entry) => (query.type === undefined || entry.record.type === query.type) && kibana(entry.kibana),
  );
  if (!query.all) {
    return bestOfEachName(found);
  }
  const stableNames = new Set(found.filter(isStable).map(({ record }) => record.name));
  return found.filter((entry) => isStable(entry) || !stableNames.has(entry.record.name));
}

function bestOfEachName<E extends SearchEntry>(entries: readonly E[]): E[] {
  const best: E[] = [];
  for (const entry of entries) {
    const last = best.at(-1);
    if (last?.record.name !== entry.record.name) {
      best.push(entry);
    } else if (isBetter(entry, last)) {
      best[best.length - 1] = entry;
    }
  }
  return best;
}

function isBetter(entry: SearchEntry, other: SearchEntry): boolean {
  const [stable, otherStable] = [isStable(entry), isStable(other)];
  return stable === otherStable ? compareVersions(entry.version, other.version) > 0 : stable;
}

/** A version ≥ 1.0.0 without a prerelease tag. */
function isStable({ version }: SearchEntry): boolean {
  return version.prerelease === '' && version.major > 0;
}
