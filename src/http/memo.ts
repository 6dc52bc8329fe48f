import { LRUCache } from 'lru-cache';

// Longer texts than this are read anew: nobody repeats them.
const longest = 512;

/**
 * Keeps what was read of the texts that repeat: queries, targets, headers. What reading throws or leaves undefined comes anew each
 * time. At most `max` texts are kept.
 */
export function createMemo<T extends object | string | undefined>(
  read: (text: string) => T,
  max = 1024,
): (text: string) => T {
  const known = new LRUCache<string, NonNullable<T>>({ max });
  return (text) => {
    const there = known.get(text);
    if (there !== undefined) {
      return there;
    }
    const made = read(text);
    if (made !== undefined && text.length <= longest) {
      known.set(text, made);
    }
    return made;
  };
}
