import { nameOf } from '../config/setting.ts';
import { settings, type Config } from '../config/settings.ts';
import { listen, type Listener } from '../http/server.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetricsHandler } from '../telemetry/metrics-handler.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The listener of `-metrics-address`; undefined where none is set. */
export async function startMetricsServer(
  config: Config,
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  log: Log,
): Promise<Listener | undefined> {
  return config.metricsAddress === undefined
    ? undefined
    : listen({
        log,
        writeStallTimeout: config.writeStallTimeout,
        address: config.metricsAddress,
        setting: nameOf(settings.metricsAddress),
        handler: createMetricsHandler(metrics, log),
        // Prometheus and a few more.
        maxConnections: 100,
      });
}
