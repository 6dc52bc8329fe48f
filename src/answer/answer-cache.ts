import { LRUCache } from 'lru-cache';
import type { Body } from './body.ts';
import { createBody } from './body.ts';

/**
 * Rendered and compressed bodies, bounded by their bytes. Keys hold the generation, so nothing is ever invalidated:
 * what belongs to an old generation isn't asked for again and falls out.
 */
export interface AnswerCache {
  /** The kept body, or the one that `make` gives; callers at the same time share one making. */
  get(key: string, make: () => Promise<Buffer>): Promise<Body>;
  /** The kept body, if there is one: the quick path that needs no promise. */
  peek(key: string): Body | undefined;
}

// What an entry costs beside its bytes: key, map and list.
const entryOverhead = 512;

/** A cache of `maxBytes` bytes; what is larger than a quarter of it is made for each request. */
export function createAnswerCache(maxBytes: number): AnswerCache {
  const kept = new LRUCache<string, Body>({
    maxSize: Math.max(1, maxBytes),
    maxEntrySize: Math.max(1, maxBytes >> 2),
    sizeCalculation: (body, key) => body.bytes.length + key.length + entryOverhead,
  });
  const making = new Map<string, Promise<Body>>();
  return {
    peek: (key) => kept.get(key),
    get: (key, make) => {
      const there = kept.get(key);
      if (there) {
        return Promise.resolve(there);
      }
      const running = making.get(key);
      if (running) {
        return running;
      }
      const made = make()
        .then((bytes) => {
          const body = createBody(bytes);
          kept.set(key, body);
          return body;
        })
        .finally(() => making.delete(key));
      making.set(key, made);
      return made;
    },
  };
}
