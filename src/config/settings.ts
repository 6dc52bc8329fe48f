import {
  address,
  boolean,
  bytes,
  choice,
  duration,
  integer,
  path,
  pathPrefix,
  paths,
  timer,
  url,
} from './kinds.ts';
import { optional, setting, type Setting } from './setting.ts';

const day = 86_400_000;

/**
 * Every setting of the server, once: the flag, the variable, the key in config.yml, the default, the help, the type of `Config`
 * and docs/configuration.md all come from here. The names of the reference's flags and keys are kept, so that an operator's
 * compose file works unchanged.
 */
export const settings = {
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
  allowUnknownQueryParameters: setting(boolean, {
    flag: 'allow-unknown-query-parameters',
    section: 'serving',
    default: 'true',
    help: 'Ignore query parameters that the API does not know instead of answering 400',
  }),
  writeStallTimeout: setting(timer(1000, day), {
    flag: 'write-stall-timeout',
    section: 'serving',
    default: '10m',
    help: 'Cut a client that has taken nothing of its answer for this long; a slow one that still reads is never cut',
  }),
  shutdownTimeout: setting(timer(0, day), {
    flag: 'shutdown-timeout',
    section: 'serving',
    default: '30s',
    help: 'Let running requests finish for this long after SIGTERM',
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

  // Packages
  packagePaths: setting(paths, {
    flag: 'package-paths',
    section: 'packages',
    fileKey: 'package_paths',
    default: './packages',
    help: 'Folders with packages, the first wins where a version is there twice',
  }),
  requirePackageSignatures: setting(boolean, {
    flag: 'require-package-signatures',
    section: 'packages',
    default: 'true',
    help: 'Keep archives that have no signature file beside them in quarantine',
  }),
  disablePackageValidation: setting(boolean, {
    flag: 'disable-package-validation',
    section: 'packages',
    default: 'false',
    help: 'Serve packages without checking what is in them',
  }),
  strict: setting(boolean, {
    flag: 'strict',
    section: 'packages',
    default: 'false',
    help: 'Refuse to start when a package is broken, as the reference does, instead of keeping it in quarantine',
  }),
  packagePathsEnableWatcher: setting(boolean, {
    flag: 'package-paths-enable-watcher',
    section: 'packages',
    default: 'false',
    help: 'Notice new, changed and removed packages while serving',
  }),
  packagePathsWorkers: setting(integer(0, 1024), {
    flag: 'package-paths-workers',
    section: 'packages',
    default: '0',
    help: 'Workers that read packages; 0 is one for each core',
  }),

  // Limits
  maxEntries: setting(integer(1, 10_000_000), {
    flag: 'max-entries',
    section: 'limits',
    default: '20000',
    help: 'Files and folders in one package',
  }),
  maxEntrySize: setting(bytes, {
    flag: 'max-entry-size',
    section: 'limits',
    default: '64MiB',
    help: 'Size of one file in a package, uncompressed',
  }),
  maxPackageSize: setting(bytes, {
    flag: 'max-package-size',
    section: 'limits',
    default: '1GiB',
    help: 'Size of all files of a package, uncompressed',
  }),
  maxCompressionRatio: setting(integer(1, 1100), {
    flag: 'max-compression-ratio',
    section: 'limits',
    default: '200',
    help: 'Uncompressed bytes for each compressed byte, for files above 1 MiB',
  }),
  maxManifestSize: setting(bytes, {
    flag: 'max-manifest-size',
    section: 'limits',
    default: '8MiB',
    help: 'Size of a manifest or another YAML or JSON file that is parsed',
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

  // Operations
  config: optional(path, {
    flag: 'config',
    section: 'operations',
    help: 'Configuration file; config.yml of the working directory where it is there',
  }),
  logLevel: setting(choice('debug', 'info', 'warn', 'error'), {
    flag: 'log-level',
    section: 'operations',
    default: 'info',
    help: 'Least important lines that are logged',
  }),
  logType: setting(choice('ecs', 'dev'), {
    flag: 'log-type',
    section: 'operations',
    default: 'ecs',
    help: 'Form of the log: ECS in JSON, or lines for people',
  }),
  metricsAddress: optional(address, {
    flag: 'metrics-address',
    section: 'operations',
    help: 'Address of a second listener for Prometheus at `/metrics`',
  }),
  dryRun: setting(boolean, {
    flag: 'dry-run',
    section: 'operations',
    default: 'false',
    help: 'Read everything, say what is wrong, and end without serving',
  }),
  version: setting(boolean, {
    flag: 'version',
    section: 'operations',
    default: 'false',
    help: 'Print the version and end',
  }),
  httpprof: optional(address, {
    flag: 'httpprof',
    section: 'operations',
    help: 'Accepted for the sake of old command lines; there is no profiler',
  }),

  // Proxy mode
  featureProxyMode: setting(boolean, {
    flag: 'feature-proxy-mode',
    section: 'proxy',
    default: 'false',
    help: 'Ask another registry for what is not here; not supported yet',
  }),
  proxyTo: setting(url, {
    flag: 'proxy-to',
    section: 'proxy',
    default: 'https://epr.elastic.co',
    help: 'Registry that proxy mode asks',
  }),
  proxyAllowInsecure: setting(boolean, {
    flag: 'proxy-allow-insecure',
    section: 'proxy',
    default: 'false',
    help: 'Take any certificate of the registry that proxy mode asks',
  }),
} as const;

/** The key of a setting in `Config`. */
export type SettingKey = keyof typeof settings;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** All settings with their values: durations in milliseconds, sizes in bytes, paths as they were written. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof settings)[K]> };

/** The rows with their keys, in the order of the table. */
export const settingRows: readonly (readonly [SettingKey, Setting<unknown>])[] = Object.entries(settings).map(
  ([key, row]) => [key as SettingKey, row as Setting<unknown>] as const,
);
