import type { Snapshot } from '../index/snapshot.ts';
import type { SearchQuery } from '../search/query.ts';
import { queryKey } from './query-key.ts';

/** The keys of one answer in the cache, by its encoding. */
export interface AnswerKeys {
  readonly identity: string;
  readonly gzip: string;
}

type Kind = 'search' | 'categories' | 'categories with templates';

interface KnownKeys {
  readonly generation: number;
  readonly byKind: Map<Kind, AnswerKeys>;
}

/** Keys of queries, made once for each query object and generation: routes keep the objects of queries that repeat. */
export function createAnswerKeys(): (snapshot: Snapshot, query: SearchQuery, kind: Kind) => AnswerKeys {
  const known = new WeakMap<SearchQuery, KnownKeys>();
  return (snapshot, query, kind) => {
    let entry = known.get(query);
    if (entry?.generation !== snapshot.generation) {
      entry = { generation: snapshot.generation, byKind: new Map() };
      known.set(query, entry);
    }
    let keys = entry.byKind.get(kind);
    if (!keys) {
      const key = `${snapshot.generation} ${kind} ${queryKey(snapshot, query)}`;
      keys = { identity: key, gzip: `${key} gzip` };
      entry.byKind.set(kind, keys);
    }
    return keys;
  };
}
