import cluster, { type Worker } from 'node:cluster';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App, AppDeps } from '../app.ts';
import type { Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';
import { makeFolder } from '../files/folder.ts';
import { defaultCacheFolder } from '../index/cache-folder.ts';
import type { Snapshot } from '../index/snapshot.ts';
import type { WrittenIndex } from '../index/store.ts';
import { createReadFaults } from '../source/read-faults.ts';
import { workerCacheVariable, type ToPrimary, type ToWorker } from './messages.ts';
import { startMetricsServer } from './metrics-server.ts';
import { artifactRoots, openArtifactStore } from './artifact-parts.ts';
import { createIndex, createPackageParts, firstIndex, watchPackages } from './package-index.ts';
import { createSharedMetrics } from './shared-metrics.ts';
import { superviseWorkers } from './supervisor.ts';

/** How workers are started: the program's own file and the words of this command line. */
export interface WorkerCommand {
  readonly program: string;
  readonly words: readonly string[];
}

const unwritten =
  'the new index cannot be written for the processes that serve (-cache-dir, EPR_CACHE_DIR): they serve the one before';

/**
 * Starts `count` processes that share the port. This one reads packages and artifacts, writes the index file and the digests
 * that the others serve from, adds up their metrics and replaces those that die.
 */
export async function startPrimary(
  config: Config,
  deps: AppDeps,
  count: number,
  command: WorkerCommand,
): Promise<App> {
  const { log, metrics } = deps;
  const cacheFolder = await sharedFolder(config);
  const parts = await createPackageParts(config, log, cacheFolder.path);
  let announced = { generation: 0, versions: 0 };
  let isUnwritten = false;
  const index: WrittenIndex = createIndex(config, parts, log, metrics, (snapshot) => {
    // On the next turn the store knows what to write.
    setImmediate(() => void announce(snapshot));
  });
  const faults = createReadFaults({ log, onEnd: () => void index.refresh().catch(() => undefined) });
  metrics.readFaults(() => faults.count);
  const news = (): ToWorker => {
    const { progress, fault } = index.state();
    const reason = fault ?? faults.current() ?? (isUnwritten ? unwritten : undefined);
    return {
      type: 'index',
      news: { ...announced, progress, fault: reason },
    };
  };
  const written = ({ generation, packages }: Snapshot): void => {
    if (generation > announced.generation) {
      announced = { generation, versions: packages.length };
    }
  };
  const announce = async (snapshot: Snapshot): Promise<void> => {
    isUnwritten = !(await index.flush());
    if (!isUnwritten) {
      written(snapshot);
    }
    supervisor.tell(news());
  };
  /** What could not be written when it was new may be by now. */
  const announceLate = (): void => {
    if (isUnwritten && index.isWritten()) {
      isUnwritten = false;
      const { snapshot } = index.state();
      if (snapshot) {
        written(snapshot);
      }
    }
  };

  const roots = artifactRoots(config);
  let change = 0;
  const artifactNews = (): ToWorker => ({ type: 'artifacts', change });
  const onChange = (): void => {
    change += 1;
    supervisor.tell(artifactNews());
  };
  const artifacts =
    roots &&
    (await openArtifactStore(config, roots, { kind: 'reads', cacheFolder: cacheFolder.path, onChange }, log));
  const lookAtArtifacts = (): void => {
    artifacts
      ?.refresh()
      .catch((error: unknown) => log.error({ err: error }, 'the artifact folders cannot be listed'));
  };

  const shared = createSharedMetrics(metrics);
  // Workers accept by themselves: a connection that this process hands to one that is just dying would be lost, and its
  // client (Kibana has no timeout) would wait for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: command.program, args: [...command.words] });
  const supervisor = superviseWorkers({
    count,
    log,
    start: () => cluster.fork({ [workerCacheVariable]: cacheFolder.path }),
    onStart: (worker) => {
      worker.send(news());
      worker.send(artifactNews());
    },
    onMessage: (worker: Worker, message: ToPrimary) => {
      if (message.type === 'refresh') {
        void index.refresh().catch(() => undefined);
      } else if (message.type === 'rewrite-index') {
        index.rewrite();
      } else if (message.type === 'unreadable') {
        faults.raise(message.fault);
      } else if (message.type === 'refresh-artifacts') {
        lookAtArtifacts();
      } else if (message.type === 'credential-failed') {
        supervisor.tell(message, worker);
      } else if (message.type === 'metrics') {
        shared.take(worker.id, message.id, message.values);
      }
    },
    onDeath: (worker) => {
      shared.retire(worker.id);
      metrics.workerReplaced();
    },
  });
  const heartbeat = setInterval(() => {
    announceLate();
    supervisor.tell(news());
    supervisor.tell(artifactNews());
  }, 1000);
  lookAtArtifacts();
  const stopWorkers = async (): Promise<void> => {
    clearInterval(heartbeat);
    await supervisor.stop(config.shutdownTimeout + 5000);
  };
  try {
    const url = await supervisor.listening;
    const text = (): Promise<string> => shared.text(supervisor.workers());
    const metricsServer = await startMetricsServer(config, { text, contentType: metrics.contentType }, log);
    const ready = firstIndex(index, config, log);
    const watcher = watchPackages(config, index, log);
    return {
      address: url,
      metricsAddress: metricsServer?.url,
      artifacts: undefined,
      ready,
      refresh: () => {
        lookAtArtifacts();
        return index.refresh();
      },
      close: async () => {
        watcher.close();
        faults.close();
        await Promise.all([stopWorkers(), metricsServer?.close(0), index.close(), artifacts?.close()]);
        await cacheFolder.remove();
      },
    };
  } catch (error) {
    await Promise.all([stopWorkers(), artifacts?.close()]);
    throw error;
  }
}

/** Workers share the index by its file, so there must be a folder for it: the cache, or else a temporary one. */
async function sharedFolder(config: Config): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const wanted = config.cacheDir ?? defaultCacheFolder(process.env);
  try {
    await makeFolder(wanted);
    await rm(await mkdtemp(join(wanted, '.probe-')), { recursive: true });
    return { path: wanted, remove: () => Promise.resolve() };
  } catch {
    try {
      const path = await mkdtemp(join(tmpdir(), 'fleet-depot-workers-'));
      return { path, remove: () => rm(path, { recursive: true, force: true }) };
    } catch (error) {
      throw new DepotError('WORKERS_NEED_FOLDER', { folder: wanted }, error);
    }
  }
}
