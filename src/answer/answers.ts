import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { IndexedPackage } from '../index/indexed-package.ts';
import type { Snapshot } from '../index/snapshot.ts';
import { countCategories } from '../search/category-counts.ts';
import { search } from '../search/filter.ts';
import type { SearchQuery } from '../search/query.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { Body, Encoding } from './body.ts';
import { queryKey } from './query-key.ts';
import { renderCategories, renderSearch } from './render.ts';

/** The JSON answers of the registry, each rendered and compressed once for its generation. */
export interface Answers {
  search(snapshot: Snapshot, query: SearchQuery, encoding: Encoding): Promise<Body>;
  categories(
    snapshot: Snapshot,
    query: SearchQuery,
    includePolicyTemplates: boolean,
    encoding: Encoding,
  ): Promise<Body>;
  packageInfo(snapshot: Snapshot, entry: IndexedPackage, encoding: Encoding): Promise<Body>;
}

/** `asked` is told how long each answer took that was not kept, in seconds. */
export function createAnswers(
  cache: AnswerCache,
  asked: (indexer: string, seconds: number) => void,
): Answers {
  const make = (indexer: string, render: () => Buffer | Promise<Buffer>) => async (): Promise<Buffer> => {
    const start = performance.now();
    const bytes = await render();
    asked(indexer, (performance.now() - start) / 1000);
    return bytes;
  };
  /** The gzipped body is made of the plain one, which is most likely kept too. */
  const encoded = (key: string, encoding: Encoding, render: () => Promise<Buffer>): Promise<Body> =>
    encoding === 'identity'
      ? cache.get(key, render)
      : cache.get(`${key} gzip`, async () =>
          promisify(gzip)((await cache.get(key, render)).bytes, { level: 6 }),
        );
  return {
    search: (snapshot, query, encoding) =>
      encoded(
        `${snapshot.generation} search ${queryKey(snapshot, query)}`,
        encoding,
        make('search', () => renderSearch(search(snapshot.packages, query))),
      ),
    categories: (snapshot, query, includePolicyTemplates, encoding) =>
      encoded(
        `${snapshot.generation} categories ${includePolicyTemplates} ${queryKey(snapshot, query)}`,
        encoding,
        make('categories', () => {
          const records = search(snapshot.packages, query).map(({ entry }) => entry.record);
          return renderCategories(countCategories(records, includePolicyTemplates));
        }),
      ),
    packageInfo: (snapshot, entry, encoding) => {
      const key = `${snapshot.generation} package ${entry.record.name}/${entry.record.version}`;
      return encoding === 'gzip'
        ? cache.get(`${key} gzip`, make('package', entry.detail))
        : cache.get(
            key,
            make('package', async () => promisify(gunzip)(await entry.detail())),
          );
    },
  };
}
