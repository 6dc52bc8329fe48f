import { address, boolean, duration, text, url } from './kinds.ts';
import { optional, setting } from './setting.ts';

/**
 * What the reference has and this server has not. An operator's command line or compose file that sets it is understood: what
 * changes nothing is accepted, and rules.ts refuses what would, with the way out.
 */
export const referenceSettings = {
  httpprof: optional(address, {
    flag: 'httpprof',
    section: 'reference',
    help: 'Accepted and ignored: there is no profiler',
  }),
  featureEnableSearchCache: setting(boolean, {
    flag: 'feature-enable-search-cache',
    section: 'reference',
    default: 'false',
    help: 'Accepted and ignored: answers are always kept in memory, see -answer-cache-size',
  }),
  featureEnableCategoriesCache: setting(boolean, {
    flag: 'feature-enable-categories-cache',
    section: 'reference',
    default: 'false',
    help: 'Accepted and ignored: answers are always kept in memory, see -answer-cache-size',
  }),
  featureProxyMode: setting(boolean, {
    flag: 'feature-proxy-mode',
    section: 'reference',
    default: 'false',
    help: 'Only false is accepted: no other registry is asked while serving, `fleet-depot sync` fetches from one',
  }),
  proxyTo: setting(url, {
    flag: 'proxy-to',
    section: 'reference',
    default: 'https://epr.elastic.co',
    help: 'Accepted and ignored: belongs to proxy mode',
  }),
  proxyAllowInsecure: setting(boolean, {
    flag: 'proxy-allow-insecure',
    section: 'reference',
    default: 'false',
    help: 'Accepted and ignored: belongs to proxy mode',
  }),
  featureStorageIndexer: setting(boolean, {
    flag: 'feature-storage-indexer',
    section: 'reference',
    default: 'false',
    help: 'Only false is accepted: packages of a storage bucket are fetched by `fleet-depot sync`',
  }),
  featureSqlStorageIndexer: setting(boolean, {
    flag: 'feature-sql-storage-indexer',
    section: 'reference',
    default: 'false',
    help: 'Only false is accepted: packages of a storage bucket are fetched by `fleet-depot sync`',
  }),
  storageIndexerBucketInternal: optional(text, {
    flag: 'storage-indexer-bucket-internal',
    section: 'reference',
    help: 'Accepted and ignored: belongs to the storage indexers',
  }),
  storageEndpoint: optional(text, {
    flag: 'storage-endpoint',
    section: 'reference',
    help: 'Accepted and ignored: belongs to the storage indexers',
  }),
  storageIndexerWatchInterval: optional(duration, {
    flag: 'storage-indexer-watch-interval',
    section: 'reference',
    help: 'Accepted and ignored: belongs to the storage indexers',
  }),
} as const;
