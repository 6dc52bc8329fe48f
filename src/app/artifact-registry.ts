import type { ArtifactReport } from '../artifacts/report.ts';
import { openGatekeeper, type Gatekeeper } from '../artifacts/gatekeeper.ts';
import { nameOf } from '../config/setting.ts';
import { settings, type Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';
import { createClientAddress } from '../http/client-address.ts';
import { createArtifactApp } from '../http/artifacts/create-app.ts';
import { isArtifactRequest } from '../http/artifacts/paths.ts';
import type { ArtifactHealth } from '../http/routes/health.ts';
import { listen, type ListenerOptions } from '../http/server.ts';
import { createTransfers } from '../http/transfers.ts';
import { createTlsIdentity } from '../net/tls-identity.ts';
import { readFaultOf, type ReadFaults } from '../source/read-faults.ts';
import { addArtifactMetrics } from '../telemetry/artifact-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { connectionLimit } from './connection-limit.ts';
import { artifactRoots, openArtifactStore, type ArtifactRole } from './artifact-parts.ts';

/** Takes a request. */
type Handler = ListenerOptions['handler'];

/** The artifact registry of a running server. */
export interface ArtifactRegistry {
  /** Answers the addresses of artifacts and gives all others to `next`. */
  handler(next: Handler): Handler;
  /** Where the listener for artifacts alone is reached from this machine. */
  readonly address: string | undefined;
  report(): ArtifactReport;
  /** The report in short. */
  health(): ArtifactHealth;
  /** Counts a wrong credential that a client has shown to another process. */
  credentialFailed(client: string): void;
  /** Reads what changed, credentials too. */
  refresh(): Promise<void>;
  /** Resolves when every content that waits was read. */
  settled(): Promise<void>;
  close(grace: number): Promise<void>;
}

/** What the artifact registry is handed by its process. */
export interface ArtifactDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly faults: Pick<ReadFaults, 'raise'>;
}

/** Puts the artifact registry together; undefined where no setting asks for it. */
export const startArtifactRegistry = async (
  config: Config,
  { log, metrics, faults }: ArtifactDeps,
  role: ArtifactRole = { kind: 'alone' },
): Promise<ArtifactRegistry | undefined> => {
  const roots = artifactRoots(config);
  if (!roots) {
    return undefined;
  }
  const gatekeeper =
    config.artifactsAuthFile === undefined ? undefined : await openGate(config.artifactsAuthFile, role, log);
  const identity = await ownIdentity(config, log);
  const store = await openArtifactStore(config, roots, role, log);
  const transfers = createTransfers();
  addArtifactMetrics(metrics.registry, () => ({ ...store.report(), transfers: transfers.running }));
  const app = createArtifactApp({
    store,
    news: {
      refresh: () =>
        void store
          .refresh()
          .catch((error: unknown) => log.error({ err: error }, 'the artifact folders cannot be listed')),
      unreadable: (error) => faults.raise(readFaultOf(error)),
    },
    ...(gatekeeper === undefined ? {} : { gatekeeper }),
    transfers,
    prefix: config.pathPrefix,
    maxAge: Math.floor(config.cacheTimeCatchAll / 1000),
    log,
    metrics,
    clientOf: createClientAddress(config.trustedProxies),
  });
  const handle = app.callback();
  const server =
    config.artifactsAddress === undefined
      ? undefined
      : await listen({
          ...connectionLimit(config, metrics, log),
          log,
          writeStallTimeout: config.writeStallTimeout,
          address: config.artifactsAddress,
          setting: nameOf(settings.artifactsAddress),
          handler: handle,
          ...(identity === undefined ? {} : { identity }),
        });
  // Requests are answered with 503 until the folders are listed.
  store
    .refresh()
    .catch((error: unknown) => log.error({ err: error }, 'the artifact folders cannot be listed'));
  const lookAtCredentials = setInterval(() => void gatekeeper?.refresh(), 5000);
  lookAtCredentials.unref();
  if (server) {
    log.info({ 'event.action': 'listening' }, `artifacts at ${server.url}`);
  }
  return {
    handler: (next) => (request, response) =>
      isArtifactRequest(request.url ?? '/', config.pathPrefix)
        ? handle(request, response)
        : next(request, response),
    address: server?.url,
    report: store.report,
    health: () => {
      const { good, unchecked, quarantined, quarantine, releases } = store.report();
      return {
        good,
        unchecked,
        quarantined,
        quarantine: quarantine.slice(0, 20),
        releases: releases.map(({ version, platform, hasAgent, missing }) => ({
          version,
          platform,
          agents: hasAgent,
          missing: missing.length,
        })),
      };
    },
    credentialFailed: (client) => gatekeeper?.failedElsewhere(client),
    refresh: async () => {
      await gatekeeper?.refresh();
      await store.refresh();
    },
    settled: store.settled,
    close: async (grace) => {
      clearInterval(lookAtCredentials);
      await server?.close(grace);
      await store.close();
      identity?.close();
    },
  };
};

/** Throws CREDENTIALS_INVALID with the name of the setting. */
const openGate = (path: string, role: ArtifactRole, log: Log): Promise<Gatekeeper> => {
  const others =
    role.kind === 'follows' ? { onFailure: (client: string) => role.onCredentialFailure(client) } : {};
  return openGatekeeper(path, log, others).catch((error: unknown) => {
    if (!(error instanceof DepotError) || error.code !== 'CREDENTIALS_INVALID') {
      throw error;
    }
    const { flag, variable } = nameOf(settings.artifactsAuthFile);
    throw new DepotError(error.code, { ...error.details, path: `${flag} (${variable}): ${path}` }, error);
  });
};

const ownIdentity = (
  config: Config,
  log: Log,
): Promise<Awaited<ReturnType<typeof createTlsIdentity>> | undefined> =>
  config.artifactsTlsCert === undefined || config.artifactsTlsKey === undefined
    ? Promise.resolve(undefined)
    : createTlsIdentity(
        {
          certificate: { path: config.artifactsTlsCert, ...nameOf(settings.artifactsTlsCert) },
          key: { path: config.artifactsTlsKey, ...nameOf(settings.artifactsTlsKey) },
          minVersion: config.artifactsTlsMinVersion ?? '1.2',
        },
        { log },
      );
