import Koa from 'koa';
import { nameOf } from './config/setting.ts';
import { settings, type Config } from './config/settings.ts';
import { listen } from './http/server.ts';
import { createTlsIdentity } from './net/tls-identity.ts';
import type { Log } from './telemetry/log.ts';
import { createMetricsHandler } from './telemetry/metrics-handler.ts';
import type { Metrics } from './telemetry/metrics.ts';

export interface AppDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal?: AbortSignal;
}

/** A running server. */
export interface App {
  readonly address: string;
  readonly metricsAddress: string | undefined;
  close(): Promise<void>;
}

/** Puts a server together and starts it. */
export const startApp = async (config: Config, deps: AppDeps): Promise<App> => {
  const { log, metrics } = deps;
  const identity =
    config.tlsCert === undefined || config.tlsKey === undefined
      ? undefined
      : await createTlsIdentity(
          {
            certificate: { path: config.tlsCert, ...nameOf(settings.tlsCert) },
            key: { path: config.tlsKey, ...nameOf(settings.tlsKey) },
            minVersion: config.tlsMinVersion ?? '1.0',
          },
          { log },
        );
  if (identity !== undefined) {
    metrics.certificateExpires(() => identity.certificateExpires());
  }
  const koa = new Koa();
  koa.use(async (context) => {
    context.body = { status: 'ready' };
  });
  const common = { log, writeStallTimeout: config.writeStallTimeout };
  if (config.dryRun) {
    identity?.close();
    return { address: '', metricsAddress: undefined, close: async () => undefined };
  }
  const server = await listen({
    ...common,
    address: config.address,
    setting: nameOf(settings.address),
    handler: koa.callback(),
    ...(identity === undefined ? {} : { identity }),
  });
  log.info({ 'event.action': 'listening' }, `serving at ${server.url}`);
  const metricsServer =
    config.metricsAddress === undefined
      ? undefined
      : await listen({
          ...common,
          address: config.metricsAddress,
          setting: nameOf(settings.metricsAddress),
          handler: createMetricsHandler(metrics, log),
        });
  return {
    address: server.url,
    metricsAddress: metricsServer?.url,
    close: async () => {
      await Promise.all([server.close(config.shutdownTimeout), metricsServer?.close(0)]);
      identity?.close();
    },
  };
};
