import {
  address,
  boolean,
  cacheBytes,
  choice,
  duration,
  integer,
  networks,
  path,
  pathPrefix,
  processes,
  timer,
} from './kinds.ts';
import { optional, setting } from './setting.ts';

const day = 86_400_000;

/** How requests are taken and answered. */
export const servingSettings = {
  // Serving
  address: setting(address, {
    flag: 'address',
    section: 'serving',
    default: 'localhost:8080',
    help: 'Address to listen on; `:8080` is every address of the machine',
  }),
  pathPrefix: setting(pathPrefix, {
    flag: 'path-prefix',
    section: 'serving',
    default: '',
    help: 'Prefix that a reverse proxy puts before every path, for redirects; paths are answered with and without it',
  }),
  trustedProxies: setting(networks, {
    flag: 'trusted-proxies',
    section: 'serving',
    default: '',
    help: 'Reverse proxies whose X-Forwarded-For, or Forwarded, says who asks, for the log and for the limit of wrong credentials; nobody is believed where left out',
  }),
  allowUnknownQueryParameters: setting(boolean, {
    flag: 'allow-unknown-query-parameters',
    section: 'serving',
    default: 'true',
    help: 'Ignore query parameters that the API does not know instead of answering 400',
  }),
  maxConnections: setting(integer(16, 1_000_000), {
    flag: 'max-connections',
    section: 'serving',
    default: '10000',
    help: 'Connections of each process and listener at a time, a tenth of them within their TLS handshake; beyond that those are closed that ask nothing, never a running answer',
  }),
  writeStallTimeout: setting(timer(1000, day), {
    flag: 'write-stall-timeout',
    section: 'serving',
    // The kernel sends on from its buffer of some MiB without a word: at 2 KB/s eleven minutes pass between two signs of life.
    default: '30m',
    help: 'Cut a client that has taken nothing of its answer for this long; a slow one that still reads is never cut',
  }),
  workers: setting(processes, {
    flag: 'workers',
    section: 'serving',
    default: '1',
    help: 'Processes that share the port and the index; `auto` is one for each core',
  }),
  shutdownTimeout: setting(timer(0, day), {
    flag: 'shutdown-timeout',
    section: 'serving',
    default: '30s',
    help: 'Let running requests finish for this long after SIGTERM',
  }),

  // Memory
  answerCacheSize: setting(cacheBytes, {
    flag: 'answer-cache-size',
    section: 'memory',
    default: '48MiB',
    help: 'Memory for rendered and compressed answers and for files out of packages',
  }),
  archiveCacheSize: setting(cacheBytes, {
    flag: 'archive-cache-size',
    section: 'memory',
    default: '40MiB',
    help: 'Memory for archives that are asked for again and again; 0 reads all of them from disk',
  }),

  // TLS
  tlsCert: optional(path, {
    flag: 'tls-cert',
    section: 'tls',
    help: 'Certificate in PEM form, with its intermediates behind it; turns HTTPS on together with -tls-key',
  }),
  tlsKey: optional(path, {
    flag: 'tls-key',
    section: 'tls',
    help: 'Private key of the certificate, PEM, not encrypted',
  }),
  tlsMinVersion: optional(choice('1.0', '1.1', '1.2', '1.3'), {
    flag: 'tls-min-version',
    section: 'tls',
    help: 'Oldest TLS version that is accepted, 1.0 unless set (as the reference); 1.2 is recommended',
  }),

  // Caching by clients
  cacheTimeIndex: setting(duration, {
    flag: 'cache-time-index',
    section: 'caching',
    fileKey: 'cache_time.index',
    default: '10s',
    help: 'How long clients may keep the answer of `/`',
  }),
  cacheTimeSearch: setting(duration, {
    flag: 'cache-time-search',
    section: 'caching',
    fileKey: 'cache_time.search',
    default: '10m',
    help: 'How long clients may keep an answer of `/search`',
  }),
  cacheTimeCategories: setting(duration, {
    flag: 'cache-time-categories',
    section: 'caching',
    fileKey: 'cache_time.categories',
    default: '10m',
    help: 'How long clients may keep an answer of `/categories`',
  }),
  cacheTimeCatchAll: setting(duration, {
    flag: 'cache-time-catch-all',
    section: 'caching',
    fileKey: 'cache_time.catch_all',
    default: '10m',
    help: 'How long clients may keep every other answer',
  }),
} as const;
