import { startArtifactRegistry, type ArtifactRegistry } from './app/artifact-registry.ts';
import { createIndex, createPackageParts, firstIndex, watchPackages } from './app/package-index.ts';
import { startMetricsServer } from './app/metrics-server.ts';
import { startRegistryServer } from './app/registry-server.ts';
import type { Config } from './config/settings.ts';
import type { Snapshot } from './index/snapshot.ts';
import { createReadFaults } from './source/read-faults.ts';
import type { Log } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';

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
  /** What agents download; undefined where no setting asks for it. */
  readonly artifacts: ArtifactRegistry | undefined;
  /** The first index: resolves when packages are served, rejects when there will be none. */
  readonly ready: Promise<Snapshot>;
  /** Reads what changed. */
  refresh(): Promise<Snapshot>;
  /** Stops accepting, lets running requests finish within the shutdown timeout, and gives everything back. */
  close(): Promise<void>;
}

/** Puts a server together and starts it. The port is open when this resolves; `ready` tells when packages are served. */
export async function startApp(config: Config, { log, metrics }: AppDeps): Promise<App> {
  const parts = await createPackageParts(config, log);
  const index = createIndex(config, parts, log, metrics);
  if (config.dryRun) {
    const ready = firstIndex(index, config, log);
    return {
      address: '',
      metricsAddress: undefined,
      artifacts: undefined,
      ready,
      refresh: index.refresh,
      close: index.close,
    };
  }
  const faults = createReadFaults({ log, onEnd: () => void index.refresh().catch(() => undefined) });
  metrics.readFaults(() => faults.count);
  const artifacts = await startArtifactRegistry(config, { log, metrics, faults });
  const server = await startRegistryServer(config, {
    index,
    source: parts.source,
    faults,
    log,
    metrics,
    ...(artifacts === undefined ? {} : { artifacts }),
  });
  const metricsServer = await startMetricsServer(config, metrics, log);
  const ready = firstIndex(index, config, log);
  const watcher = watchPackages(config, index, log);
  return {
    address: server.url,
    metricsAddress: metricsServer?.url,
    artifacts,
    ready,
    refresh: () => {
      artifacts?.refresh().catch((error: unknown) => log.error({ err: error }, 'artifacts are as before'));
      return index.refresh();
    },
    close: async () => {
      watcher.close();
      faults.close();
      await Promise.all([
        server.close(),
        artifacts?.close(config.shutdownTimeout),
        metricsServer?.close(0),
        index.close(),
      ]);
    },
  };
}
