import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createAnswerCache } from './answer/answer-cache.ts';
import { createArchiveCache } from './answer/archive-cache.ts';
import { createAnswers } from './answer/answers.ts';
import { createBody } from './answer/body.ts';
import { createOpenPackages } from './answer/open-packages.ts';
import { createPackageFileAnswers } from './answer/package-file.ts';
import { nameOf } from './config/setting.ts';
import { settings, type Config } from './config/settings.ts';
import { DepotError } from './domain/errors.ts';
import { createHttpApp } from './http/create-app.ts';
import { listen } from './http/server.ts';
import { defaultCacheFolder } from './index/cache-folder.ts';
import { createIndexCache, type IndexCache } from './index/index-cache.ts';
import { describeOrigin } from './index/index-origin.ts';
import { createProgressLog } from './index/progress-log.ts';
import type { Snapshot } from './index/snapshot.ts';
import { createIndexStore, type IndexStore } from './index/store.ts';
import { createJudgePool, type JudgePool } from './judge/pool.ts';
import type { JudgeRules } from './judge/task.ts';
import { createTlsIdentity, type TlsIdentity } from './net/tls-identity.ts';
import { createPackageSources } from './source/combined.ts';
import type { PackageSource } from './source/source.ts';
import type { Log } from './telemetry/log.ts';
import { createMetricsHandler } from './telemetry/metrics-handler.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { version } from './version.ts';
import { createWatcher } from './watch/watcher.ts';

/** What an app is handed by the process that it runs in. */
export interface AppDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A running server. */
export interface App {
  /** Where it is reached from this machine; empty for a dry run. */
  readonly address: string;
  readonly metricsAddress: string | undefined;
  /** The first index: resolves when packages are served, rejects when there will be none. */
  readonly ready: Promise<Snapshot>;
  /** Reads what changed. */
  refresh(): Promise<Snapshot>;
  /** Stops accepting, lets running requests finish within the shutdown timeout, and gives everything back. */
  close(): Promise<void>;
}

const openPackages = 128;

/** Puts a server together and starts it. The port is open when this resolves; `ready` tells when packages are served. */
export async function startApp(config: Config, { log, metrics }: AppDeps): Promise<App> {
  const identity = await createIdentity(config, log);
  if (identity) {
    metrics.certificateExpires(() => identity.certificateExpires());
  }
  const parts = await createIndexParts(config, log);
  const { source } = parts;
  const index = createIndex(config, parts, log, metrics);
  if (config.dryRun) {
    identity?.close();
    return {
      address: '',
      metricsAddress: undefined,
      ready: firstIndex(index, config, log),
      refresh: index.refresh,
      close: async () => undefined,
    };
  }
  const files = createOpenPackages(source, openPackages);
  const cache = createAnswerCache(config.answerCacheSize);
  let isStopping = false;
  const http = createHttpApp({
    registry: {
      snapshot: () => currentSnapshot(index),
      answers: createAnswers(cache, metrics.indexAsked),
      files: createPackageFileAnswers(cache, files),
      archives: createArchiveCache(config.archiveCacheSize),
      source,
      refresh: () => void index.refresh().catch(() => undefined),
      cacheTimes: cacheTimes(config),
      allowUnknownParameters: config.allowUnknownQueryParameters,
      prefix: config.pathPrefix,
      metrics,
    },
    health: {
      state: index.state,
      certificateExpires: () => identity?.certificateExpires(),
      isStopping: () => isStopping,
    },
    service: { name: 'fleet-depot', version },
    favicon: createBody(await readFile(new URL('../../assets/favicon.ico', import.meta.url))),
    log,
    metrics,
  });
  const common = { log, writeStallTimeout: config.writeStallTimeout };
  const server = await listen({
    ...common,
    address: config.address,
    setting: nameOf(settings.address),
    handler: http.callback(),
    ...(identity === undefined ? {} : { identity }),
  });
  const metricsServer =
    config.metricsAddress === undefined
      ? undefined
      : await listen({
          ...common,
          address: config.metricsAddress,
          setting: nameOf(settings.metricsAddress),
          handler: createMetricsHandler(metrics, log),
        });
  log.info({ 'event.action': 'listening' }, `listening at ${server.url}`);
  const ready = firstIndex(index, config, log);
  const watcher = createWatcher({
    paths: config.packagePaths.map((path) => resolve(path)),
    notify: config.packagePathsEnableWatcher,
    pollInterval: config.pollInterval,
    log,
    refresh: index.refresh,
  });
  return {
    address: server.url,
    metricsAddress: metricsServer?.url,
    ready,
    refresh: index.refresh,
    close: async () => {
      isStopping = true;
      watcher.close();
      await Promise.all([server.close(config.shutdownTimeout), metricsServer?.close(0), index.close()]);
      await files.close();
      identity?.close();
    },
  };
}

async function createIdentity(config: Config, log: Log): Promise<TlsIdentity | undefined> {
  return config.tlsCert === undefined || config.tlsKey === undefined
    ? undefined
    : createTlsIdentity(
        {
          certificate: { path: config.tlsCert, ...nameOf(settings.tlsCert) },
          key: { path: config.tlsKey, ...nameOf(settings.tlsKey) },
          minVersion: config.tlsMinVersion ?? '1.0',
        },
        { log },
      );
}

/** What an index is made of and where it is kept: the same for a server and for the verbs that work offline. */
export interface IndexParts {
  readonly source: PackageSource;
  readonly pool: JudgePool;
  readonly rules: JudgeRules;
  readonly cache: IndexCache;
}

export async function createIndexParts(config: Config, log: Log): Promise<IndexParts> {
  const rules = judgeRules(config);
  const paths = config.packagePaths.map((path) => resolve(path));
  const origin = await describeOrigin(version, paths, rules);
  return {
    source: createPackageSources(config.packagePaths, rules.limits, log),
    pool: createJudgePool({ threads: config.packagePathsWorkers }),
    rules,
    cache: createIndexCache(config.cacheDir ?? defaultCacheFolder(process.env), origin, log),
  };
}

function createIndex(config: Config, parts: IndexParts, log: Log, metrics: Metrics): IndexStore {
  return createIndexStore({
    ...parts,
    serveWhileIndexing: config.serveWhileIndexing,
    onProgress: createProgressLog(log),
    onLook: metrics.indexLooked,
    log,
    onSwap: (snapshot) => {
      metrics.indexChanged({
        generation: snapshot.generation,
        packages: snapshot.packages.length,
        quarantined: snapshot.quarantine.length,
      });
      log.info(
        { 'event.action': 'index-ready', 'fleet_depot.generation': snapshot.generation },
        `serving ${snapshot.packages.length} versions of ${snapshot.names} packages, ${snapshot.quarantine.length} in quarantine`,
      );
    },
  });
}

/** With `-strict` one package in quarantine is reason enough not to start, as in the reference. */
async function firstIndex(index: IndexStore, config: Config, log: Log): Promise<Snapshot> {
  const snapshot = await index.refresh();
  if (snapshot.packages.length === 0) {
    log.warn(
      { 'event.action': 'no-packages' },
      `there are no packages in ${config.packagePaths.join(', ')} (-package-paths, EPR_PACKAGE_PATHS)`,
    );
  }
  const [first] = snapshot.quarantine;
  if (config.strict && first) {
    throw new DepotError('PACKAGES_REFUSED', {
      count: snapshot.quarantine.length,
      first: `${first.label}: ${first.reasons[0] ?? ''}`,
    });
  }
  return snapshot;
}

function currentSnapshot(index: IndexStore): Snapshot {
  const { snapshot, progress, fault } = index.state();
  if (!snapshot) {
    const state = progress
      ? `${progress.done} of ${progress.total} packages are read`
      : 'packages are being listed';
    throw new DepotError('NOT_READY', { reason: fault ?? state });
  }
  return snapshot;
}

function judgeRules(config: Config): JudgeRules {
  return {
    limits: {
      maxEntries: config.maxEntries,
      maxEntryBytes: config.maxEntrySize,
      maxTotalBytes: config.maxPackageSize,
      maxRatio: config.maxCompressionRatio,
      maxManifestBytes: config.maxManifestSize,
    },
    validate: !config.disablePackageValidation,
    requireSignature: config.requirePackageSignatures,
  };
}

/** Whole seconds, as the header wants them. */
function cacheTimes(config: Config): { index: number; search: number; categories: number; catchAll: number } {
  const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
  return {
    index: seconds(config.cacheTimeIndex),
    search: seconds(config.cacheTimeSearch),
    categories: seconds(config.cacheTimeCategories),
    catchAll: seconds(config.cacheTimeCatchAll),
  };
}
