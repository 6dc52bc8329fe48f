import { readFile } from 'node:fs/promises';
import { createAnswerCache } from '../answer/answer-cache.ts';
import { createAnswers } from '../answer/answers.ts';
import { createArchiveCache } from '../answer/archive-cache.ts';
import { createBody } from '../answer/body.ts';
import { createOpenPackages } from '../answer/open-packages.ts';
import { createPackageFileAnswers } from '../answer/package-file.ts';
import { nameOf } from '../config/setting.ts';
import { settings, type Config } from '../config/settings.ts';
import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import { createClientAddress } from '../http/client-address.ts';
import { createHttpApp } from '../http/create-app.ts';
import type { CacheTimes } from '../http/routes/registry.ts';
import { listen, type Listener } from '../http/server.ts';
import { createTransfers } from '../http/transfers.ts';
import type { Snapshot } from '../index/snapshot.ts';
import type { IndexStore } from '../index/store.ts';
import { createTlsIdentity, type TlsIdentity } from '../net/tls-identity.ts';
import { readFaultOf, type ReadFaults } from '../source/read-faults.ts';
import type { PackageSource } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { installedFile } from '../installation.ts';
import { version } from '../version.ts';
import { connectionLimit } from './connection-limit.ts';
import type { ArtifactRegistry } from './artifact-registry.ts';

/** The registry, listening. */
export interface RegistryServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What the registry is served from. */
export interface RegistryServerParts {
  readonly index: IndexStore;
  readonly source: PackageSource;
  /** Files that couldn't be read for a client. */
  readonly faults: Pick<ReadFaults, 'raise' | 'current'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Answers some requests itself and gives the others on: artifacts share the listener, and health tells of them. */
  readonly artifacts?: Pick<ArtifactRegistry, 'handler' | 'health'>;
}

// Packages have about 200 files: these are some 10 MB of directories.
const openPackages = { packages: 128, files: 40_000 } as const;
// For all archives that are on their way, whoever reads how slowly.
const transferMemory = 32 * 1024 * 1024;

/** Opens the port of the registry. Until the first snapshot stands, everything but health is 503. */
export async function startRegistryServer(
  config: Config,
  parts: RegistryServerParts,
): Promise<RegistryServer> {
  const { index, source, faults, log, metrics, artifacts } = parts;
  const refresh = (): void => void index.refresh().catch(() => undefined);
  const identity = await createIdentity(config, log);
  if (identity) {
    metrics.certificateExpires(() => identity.certificateExpires());
  }
  const files = createOpenPackages(source, openPackages);
  const cache = createAnswerCache(config.answerCacheSize);
  let isStopping = false;
  const http = createHttpApp({
    registry: {
      snapshot: () => currentSnapshot(index),
      answers: createAnswers(cache, metrics.indexAsked),
      files: createPackageFileAnswers(cache, files, () => metrics.storageAsked(source.location, 'static')),
      archives: createArchiveCache(config.archiveCacheSize),
      transfers: createTransfers(transferMemory),
      source,
      refresh,
      unreadable: (error) => {
        if (error.code !== 'SOURCE_LOST') {
          faults.raise(readFaultOf(error));
        } else if (index.state().fault === undefined) {
          // The look tells of it, once, and every later one sees whether it is back.
          refresh();
        }
      },
      cacheTimes: cacheTimes(config),
      allowUnknownParameters: config.allowUnknownQueryParameters,
      prefix: config.pathPrefix,
      metrics,
    },
    health: {
      state: () => {
        const state = index.state();
        return { ...state, fault: state.fault ?? faults.current() };
      },
      certificateExpires: () => identity?.certificateExpires(),
      isStopping: () => isStopping,
      ...(artifacts === undefined ? {} : { artifacts: artifacts.health }),
    },
    service: { name: 'fleet-depot', version },
    favicon: createBody(await readFile(installedFile('assets/favicon.ico'))),
    log,
    metrics,
    clientOf: createClientAddress(config.trustedProxies),
  });
  let listener: Listener;
  try {
    listener = await listen({
      ...connectionLimit(config, metrics, log),
      log,
      writeStallTimeout: config.writeStallTimeout,
      address: config.address,
      setting: nameOf(settings.address),
      handler: artifacts ? artifacts.handler(http.callback()) : http.callback(),
      ...(identity === undefined ? {} : { identity }),
    });
  } catch (error) {
    identity?.close();
    throw error;
  }
  const reach = ['', '0.0.0.0', '::'].includes(config.address.host)
    ? ', on every address of this machine'
    : '';
  log.info({ 'event.action': 'listening' }, `listening at ${listener.url}${reach}`);
  return {
    url: listener.url,
    close: async () => {
      isStopping = true;
      await listener.close(config.shutdownTimeout);
      await files.close();
      await source.close();
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

function currentSnapshot(index: IndexStore): Snapshot {
  const { snapshot, progress, fault } = index.state();
  if (!snapshot) {
    const state = progress
      ? `${progress.done} of ${countOf(progress.total, 'package is', 'packages are')} read`
      : 'packages are being listed';
    throw new DepotError('NOT_READY', { reason: fault ?? state });
  }
  return snapshot;
}

/** Whole seconds, as the header wants them. */
function cacheTimes(config: Config): CacheTimes {
  const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
  return {
    index: seconds(config.cacheTimeIndex),
    search: seconds(config.cacheTimeSearch),
    categories: seconds(config.cacheTimeCategories),
    catchAll: seconds(config.cacheTimeCatchAll),
  };
}
