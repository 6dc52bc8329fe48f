import type { IndexedPackage } from '../index/indexed-package.ts';
import type { Snapshot } from '../index/snapshot.ts';
import { countCategories } from '../search/category-counts.ts';
import { search } from '../search/filter.ts';
import type { SearchQuery } from '../search/query.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { AnswerKeys } from './answer-keys.ts';
import { createAnswerKeys } from './answer-keys.ts';
import type { Body, Encoding } from './body.ts';
import { compress, decompress, ownBytes } from './bytes.ts';
import { renderCategories, renderSearch } from './render.ts';

/** The JSON answers of the registry, each rendered and compressed once for its generation; at once where it is kept. */
export interface Answers {
  search(snapshot: Snapshot, query: SearchQuery, encoding: Encoding): Body | Promise<Body>;
  categories(
    snapshot: Snapshot,
    query: SearchQuery,
    includePolicyTemplates: boolean,
    encoding: Encoding,
  ): Body | Promise<Body>;
  packageInfo(snapshot: Snapshot, entry: IndexedPackage, encoding: Encoding): Body | Promise<Body>;
}

/** `asked` is told how long each answer took that was not kept, in seconds. */
export function createAnswers(
  cache: AnswerCache,
  asked: (indexer: string, seconds: number) => void,
): Answers {
  const keysOf = createAnswerKeys();
  const make = (indexer: string, render: () => Buffer | Promise<Buffer>) => async (): Promise<Buffer> => {
    const start = performance.now();
    const bytes = await render();
    asked(indexer, (performance.now() - start) / 1000);
    return bytes;
  };
  /** The gzipped body is made of the plain one. Where nobody asks for that, it isn't kept: it is ten times as large. */
  const find = (
    keys: AnswerKeys,
    encoding: Encoding,
    indexer: string,
    render: () => Buffer | Promise<Buffer>,
  ): Body | Promise<Body> => {
    const kept = cache.peek(keys[encoding]);
    if (kept) {
      return kept;
    }
    const plain = make(indexer, render);
    return encoding === 'identity'
      ? cache.get(keys.identity, async () => ownBytes(await plain()))
      : cache.get(keys.gzip, async () =>
          ownBytes(await compress(cache.peek(keys.identity)?.bytes ?? (await plain()))),
        );
  };
  return {
    search: (snapshot, query, encoding) =>
      find(keysOf(snapshot, query, 'search'), encoding, 'search', () =>
        renderSearch(search(snapshot.catalog, query)),
      ),
    categories: (snapshot, query, includePolicyTemplates, encoding) =>
      find(
        keysOf(snapshot, query, includePolicyTemplates ? 'categories with templates' : 'categories'),
        encoding,
        'categories',
        () => {
          const records = search(snapshot.catalog, query).map(({ entry }) => entry.record);
          return renderCategories(countCategories(records, includePolicyTemplates));
        },
      ),
    packageInfo: (snapshot, entry, encoding) => {
      const key = `${snapshot.generation} package ${entry.record.name}/${entry.record.version} ${encoding}`;
      return (
        cache.peek(key) ??
        cache.get(
          key,
          make('package', async () => {
            // The index keeps it anyway, as a part of all that was read with it.
            const detail = await entry.detail();
            return encoding === 'gzip' ? detail : decompress(detail);
          }),
        )
      );
    },
  };
}
