import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/settings.ts';
import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import { defaultCacheFolder } from '../index/cache-folder.ts';
import { createIndexCache, type IndexCache } from '../index/index-cache.ts';
import { describeOrigin } from '../index/index-origin.ts';
import { createProgressLog } from '../index/progress-log.ts';
import type { Snapshot } from '../index/snapshot.ts';
import { createIndexStore, type IndexStore, type WrittenIndex } from '../index/store.ts';
import { createJudgePool, type JudgePool } from '../judge/pool.ts';
import type { JudgeRules } from '../judge/task.ts';
import { followKeyring, withoutMarks } from './followed-keyring.ts';
import { keyringOf, rulesWithoutKeys } from './judge-rules.ts';
import { holdHeap } from './heap.ts';
import { readKeyringState } from '../signing/keyring-state.ts';
import { createPackageSources } from '../source/combined.ts';
import type { PackageSource } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { version } from '../version.ts';
import { createWatcher, type Watcher } from '../watch/watcher.ts';

/** What the packages of a configuration are reached and kept by. */
export interface PackageParts {
  readonly rules: JudgeRules;
  readonly pool: JudgePool;
  readonly source: PackageSource;
  readonly cache: IndexCache;
}

/** Makes source, rules and index file of a configuration; nothing is read yet but the keyring. */
export async function createPackageParts(
  config: Config,
  log: Log,
  cacheFolder?: string,
): Promise<PackageParts> {
  const parts = await createPlainParts(config, log, cacheFolder);
  const { rules } = parts;
  if (rules.signatures.policy !== 'verified') {
    return parts;
  }
  const keyring = keyringOf(config);
  const first = await readKeyringState(keyring);
  if (first.keys.length === 0) {
    log.warn(
      { 'event.action': 'keyring-empty' },
      `the keyring ${keyring.location} is empty, so no signature can be verified and nothing is served; fill it with \`fleet-depot keys add\` or name another (-keyring, EPR_KEYRING)`,
    );
  }
  return {
    ...parts,
    ...followKeyring(parts, first, () => readKeyringState(keyring), log),
    rules: { ...rules, signatures: { ...rules.signatures, keys: first.keys } },
  };
}

/** The same for a process that serves what another one has judged: it needs no keyring, and is not stopped by a broken one. */
export async function createFollowingParts(
  config: Config,
  log: Log,
  cacheFolder: string,
): Promise<Pick<PackageParts, 'source' | 'cache'>> {
  const { source, cache } = await createPlainParts(config, log, cacheFolder);
  return {
    source,
    cache: {
      ...cache,
      read: async () => {
        const found = await cache.read();
        return found.known ? { known: withoutMarks(found.known) } : found;
      },
    },
  };
}

async function createPlainParts(config: Config, log: Log, cacheFolder?: string): Promise<PackageParts> {
  const rules = rulesWithoutKeys(config);
  const origin = await describeOrigin(version, packagePaths(config), rules);
  return {
    rules,
    pool: createJudgePool({ readers: config.packagePathsWorkers }),
    source: createPackageSources(config.packagePaths, rules.limits, log),
    cache: createIndexCache(cacheFolder ?? config.cacheDir ?? defaultCacheFolder(process.env), origin, log),
  };
}

/** The index of a process that reads packages itself. `onSwap` is told of each new snapshot. */
export function createIndex(
  config: Config,
  parts: PackageParts,
  log: Log,
  metrics: Metrics,
  onSwap: (snapshot: Snapshot) => void = () => undefined,
): WrittenIndex {
  return createIndexStore({
    ...parts,
    serveWhileIndexing: config.serveWhileIndexing,
    onProgress: createProgressLog(log),
    onLook: metrics.indexLooked,
    log,
    onSwap: (snapshot) => {
      measureIndex(metrics, snapshot);
      onSwap(snapshot);
      log.info(
        { 'event.action': 'index-ready', 'fleet_depot.generation': snapshot.generation },
        `serving ${countOf(snapshot.packages.length, 'version')} of ${countOf(snapshot.names, 'package')}, ${snapshot.quarantine.length} in quarantine`,
      );
    },
  });
}

/** Tells the gauges of a new snapshot. */
export function measureIndex(metrics: Metrics, snapshot: Snapshot): void {
  metrics.indexChanged({
    generation: snapshot.generation,
    packages: snapshot.packages.length,
    quarantined: snapshot.quarantine.length,
  });
}

/** Looks for new content as the settings say. */
export function watchPackages(config: Config, index: IndexStore, log: Log): Watcher {
  const { policy } = rulesWithoutKeys(config).signatures;
  return createWatcher({
    paths: [...packagePaths(config), ...(policy === 'verified' ? [keyringOf(config).location] : [])],
    notify: config.packagePathsEnableWatcher,
    pollInterval: config.pollInterval,
    log,
    refresh: index.refresh,
  });
}

/** With `-strict` one package in quarantine is reason enough not to start, as in the reference. */
export async function firstIndex(index: IndexStore, config: Config, log: Log): Promise<Snapshot> {
  const release = holdHeap();
  // By then the index is written and the first look for changes is over.
  const snapshot = await refreshReadable(index, config).finally(() => setTimeout(release, 1000).unref());
  await noteOddPaths(config, log);
  if (snapshot.packages.length === 0) {
    const paths = `${config.packagePaths.join(', ')} (-package-paths, EPR_PACKAGE_PATHS)`;
    const { length } = snapshot.quarantine;
    log.warn(
      { 'event.action': 'no-packages' },
      length === 0
        ? `there are no packages in ${paths}`
        : `${paths}: ${countOf(length, 'package')}, all in quarantine`,
    );
  }
  const [first] = snapshot.quarantine;
  if (config.strict && first) {
    throw new DepotError('PACKAGES_REFUSED', {
      refused: countOf(snapshot.quarantine.length, 'package is refused', 'packages are refused'),
      first: `${first.label}: ${first.reasons[0] ?? ''}`,
    });
  }
  return snapshot;
}

const unreadablePause = 5000;

/**
 * A package path that can't be read (a share that isn't mounted yet, a wrong owner), or no process that reads packages, leaves the server up and not ready, and it looks
 * again until it can. `-strict` and a dry run take it for the failure that they are to find.
 */
async function refreshReadable(index: IndexStore, config: Config): Promise<Snapshot> {
  for (;;) {
    try {
      return await index.refresh();
    } catch (error) {
      const mayPass =
        error instanceof DepotError && ['SOURCE_UNREADABLE', 'READER_NOT_STARTED'].includes(error.code);
      if (!mayPass || config.strict || config.dryRun) {
        throw error;
      }
      await sleep(unreadablePause, undefined, { ref: false });
    }
  }
}

/** A path that is probably not what was meant: a depot has its packages further down, those of earlier snapshots among them. */
async function noteOddPaths(config: Config, log: Log): Promise<void> {
  const note = (text: string): void =>
    log.warn({ 'event.action': 'package-path' }, `${text} (-package-paths, EPR_PACKAGE_PATHS)`);
  for (const path of packagePaths(config)) {
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) {
      note(`${path} is not there`);
    } else if (!stats.isDirectory()) {
      note(`${path} is no folder: name the one that it lies in`);
    } else if (await stat(join(path, 'depot.json')).catch(() => undefined)) {
      note(
        `${path} is a depot: name ${join(path, 'current')}, or the packages of all its snapshots are served`,
      );
    }
  }
}

const packagePaths = (config: Config): string[] => config.packagePaths.map((path) => resolve(path));
