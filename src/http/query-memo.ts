import { LRUCache } from 'lru-cache';

// Longer queries than this are read anew: nobody repeats them.
const longest = 512;

/** Keeps what was read of the queries that repeat; what reading throws is thrown each time. */
export function createQueryMemo<T extends object>(
  read: (query: string) => T,
  max = 1024,
): (query: string) => T {
  const known = new LRUCache<string, T>({ max });
  return (query) => {
    const there = known.get(query);
    if (there) {
      return there;
    }
    const made = read(query);
    if (query.length <= longest) {
      known.set(query, made);
    }
    return made;
  };
}
