import type { Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';
import { createFollowingIndex, type IndexNews } from '../index/follower.ts';
import type { ReadFault } from '../source/read-faults.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { MetricValues, ToPrimary, ToWorker } from './messages.ts';
import { startArtifactRegistry, type ArtifactRegistry } from './artifact-registry.ts';
import { createFollowingParts, measureIndex } from './package-index.ts';
import { holdHeap } from './heap.ts';
import { startRegistryServer, type RegistryServer } from './registry-server.ts';

/** What a worker is handed by its process. */
export interface WorkerDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  /** The channel to the primary. */
  readonly channel: NodeJS.Process;
  /** The folder of the index file that the primary writes. */
  readonly cacheFolder: string;
}

/** One of the processes that share the port. Resolves when it was told to stop and its last answer is out. */
export async function runWorker(
  config: Config,
  { log, metrics, channel, cacheFolder }: WorkerDeps,
): Promise<void> {
  const say = (message: ToPrimary): void => void channel.send?.(message);
  const { source, cache } = await createFollowingParts(config, log, cacheFolder);
  const index = createFollowingIndex({
    source,
    cache,
    log,
    onSwap: (snapshot) => measureIndex(metrics, snapshot),
    askRefresh: () => say({ type: 'refresh' }),
    askIndex: () => say({ type: 'rewrite-index' }),
  });
  // The primary tries whether they can be read again, and tells all.
  const faults = {
    raise: (fault: ReadFault) => say({ type: 'unreadable', fault }),
    current: () => undefined,
  };
  let server: RegistryServer | undefined;
  let artifacts: ArtifactRegistry | undefined;
  let seen = 0;
  let heard: () => void = () => undefined;
  const firstNews = new Promise<void>((resolve) => {
    heard = resolve;
  });
  /** One that can't read the index yet has heard nothing that it could serve. */
  const hear = ({ generation }: IndexNews): void => {
    if (generation === 0 || index.state().snapshot) {
      heard();
    }
  };
  const stopped = new Promise<void>((resolve) => {
    const stop = async (): Promise<void> => {
      await Promise.all([server?.close(), artifacts?.close(config.shutdownTimeout)]);
      // It stays open for what the primary says meanwhile, but keeps the process alive no longer.
      channel.channel?.unref();
      resolve();
    };
    channel.on('disconnect', () => void stop());
    channel.on('message', (message: ToWorker) => {
      if (message.type === 'index') {
        void index.follow(message.news).then(() => hear(message.news));
      } else if (message.type === 'artifacts') {
        // What comes before the registry stands is in the file that it begins with.
        if (artifacts && message.change !== seen) {
          seen = message.change;
          artifacts.refresh().catch((error: unknown) => log.error({ err: error }, 'artifacts are as before'));
        }
      } else if (message.type === 'credential-failed') {
        artifacts?.credentialFailed(message.client);
      } else if (message.type === 'stop') {
        void stop();
      } else {
        void answerMetrics(message.id, metrics, say);
      }
    });
  });
  // One that takes the place of another opens the port when it has what the others serve, not before.
  const release = holdHeap();
  const isStopped = await Promise.race([firstNews.then(() => false), stopped.then(() => true)]).finally(
    release,
  );
  if (isStopped) {
    return;
  }
  try {
    artifacts = await startArtifactRegistry(
      config,
      { log, metrics, faults },
      {
        kind: 'follows',
        cacheFolder,
        onStale: () => say({ type: 'refresh-artifacts' }),
        onCredentialFailure: (client) => say({ type: 'credential-failed', client }),
      },
    );
    server = await startRegistryServer(config, {
      index,
      source,
      faults,
      log,
      metrics,
      ...(artifacts === undefined ? {} : { artifacts }),
    });
  } catch (error) {
    const known = error instanceof DepotError ? error : new DepotError('INTERNAL', {}, error);
    say({ type: 'failed', code: known.code, details: known.details });
    throw error;
  }
  say({ type: 'listening', url: server.url });
  await stopped;
}

async function answerMetrics(id: number, metrics: Metrics, say: (message: ToPrimary) => void): Promise<void> {
  const values = (await metrics.registry.getMetricsAsJSON()) as MetricValues;
  say({ type: 'metrics', id, values });
}
