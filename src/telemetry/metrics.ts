import { hostname } from 'node:os';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { createRequestMetrics, type RequestMeasure } from './request-metrics.ts';

/** The state of the index, as the gauges show it. */
export interface IndexMeasure {
  readonly generation: number;
  /** Package versions that are served. */
  readonly packages: number;
  readonly quarantined: number;
}

/** One look at the package paths that is over. */
export interface LookMeasure {
  readonly result: 'changed' | 'same' | 'failed';
  readonly seconds: number;
  /** Packages that were looked into. */
  readonly read: number;
}

/** All that is measured of one server. */
export interface Metrics {
  /** Other parts of the server add their own metrics here. */
  readonly registry: Registry;
  requestStarted(): void;
  requestFinished(measure: RequestMeasure): void;
  indexChanged(measure: IndexMeasure): void;
  /** A worker process died and was replaced. */
  workerReplaced(): void;
  indexLooked(measure: LookMeasure): void;
  /** So many lines of the log were dropped, since nobody read standard error. */
  logLinesDropped(lines: number): void;
  /** Time of one look-up in the index (`indexer`: which one). */
  indexAsked(indexer: string, seconds: number): void;
  /** One file read from where packages come from; `component`: `package`, `signature`, `static`. */
  storageAsked(location: string, component: string): void;
  /** A connection was closed to make room; `reason`: `handshakes`, `connections`. */
  connectionClosed(reason: string): void;
  /** Called where files are read for clients; the number is asked at each scrape. */
  readFaults(ask: () => number): void;
  /** Called where TLS is on. The time is asked at each scrape, so that a renewed certificate shows. */
  certificateExpires(ask: () => Date): void;
  /** Prometheus text. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Options of `createMetrics`. */
export interface MetricsOptions {
  readonly version: string;
  readonly instance?: string;
  /** Also memory, processor time and event loop of the process. */
  readonly process?: boolean;
}

/**
 * Metrics under the reference's names, so that its dashboards keep working, and ours (`fleet_depot_…`). One registry for each
 * server: two in one process don't mix.
 */
export const createMetrics = (options: MetricsOptions): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  if (options.process === true) {
    collectDefaultMetrics({ register: registry });
  }

  new Gauge({ name: 'epr_service_info', help: 'Version and name of this server', labelNames: ['version', 'instance'], registers, aggregator: 'first' }).set(
    { version: options.version, instance: options.instance ?? hostname() }, 1,
  ); // prettier-ignore
  const indexed = new Gauge({
    name: 'epr_number_indexed_packages',
    aggregator: 'max',
    help: 'Package versions that are served',
    registers,
  });
  const storage = new Counter({
    name: 'epr_storage_requests_total',
    help: 'Files read from where packages come from',
    labelNames: ['location', 'component'],
    registers,
  });
  const indexer = new Histogram({
    name: 'epr_indexer_get_duration_seconds',
    help: 'Time of a look-up in the index',
    labelNames: ['indexer'],
    buckets: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  });
  const requests = createRequestMetrics(registry);
  const quarantined = new Gauge({
    name: 'fleet_depot_quarantined_packages',
    aggregator: 'max',
    help: 'Packages that are not served because they are broken',
    registers,
  });
  const generation = new Gauge({
    name: 'fleet_depot_index_generation',
    aggregator: 'max',
    help: 'Number of the index; it grows with each change',
    registers,
  });
  const looked = createLookMetrics(registers);

  const replaced = new Counter({
    name: 'fleet_depot_worker_replacements_total',
    help: 'Worker processes that died and were replaced',
    registers,
  });
  const crowded = new Counter({
    name: 'fleet_depot_connections_closed_total',
    help: 'Connections that were closed to make room: too many at a time, or too many TLS handshakes',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['handshakes', 'connections']) {
    crowded.inc({ reason }, 0);
  }
  const logDropped = new Counter({
    name: 'fleet_depot_log_lines_dropped_total',
    help: 'Lines of the log that were dropped because standard error was not read',
    registers,
  });

  return {
    registry,
    connectionClosed: (reason) => crowded.inc({ reason }),
    logLinesDropped: (lines) => logDropped.inc(lines),
    workerReplaced: () => replaced.inc(),
    indexLooked: looked,
    requestStarted: requests.started,
    requestFinished: requests.finished,
    indexChanged: (measure) => {
      indexed.set(measure.packages);
      quarantined.set(measure.quarantined);
      generation.set(measure.generation);
    },
    indexAsked: (name, seconds) => indexer.observe({ indexer: name }, seconds),
    storageAsked: (location, component) => storage.inc({ location, component }),
    readFaults: (ask) => {
      const unreadable = new Gauge({
        name: 'fleet_depot_unreadable_files',
        aggregator: 'max',
        help: 'Files that clients asked for and that the disk does not give now',
        registers,
        collect: () => {
          unreadable.set(ask());
        },
      });
    },
    certificateExpires: (ask) => {
      const expiry = new Gauge({
        name: 'fleet_depot_certificate_expiry_timestamp_seconds',
        aggregator: 'min',
        help: 'When the certificate of the listener expires, in seconds since 1970',
        registers,
        collect: () => {
          expiry.set(ask().getTime() / 1000);
        },
      });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
};

/** How the looks at the package paths go. The last success is what an alarm for a lost share asks for. */
const createLookMetrics = (registers: Registry[]): ((measure: LookMeasure) => void) => {
  const looks = new Counter({
    name: 'fleet_depot_index_reloads_total',
    help: 'Looks at the package paths: with something new, with nothing new, failed',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['changed', 'same', 'failed']) {
    looks.inc({ result }, 0);
  }
  const duration = new Histogram({
    name: 'fleet_depot_index_reload_duration_seconds',
    help: 'Time of a look at the package paths with all that it reads',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  });
  const read = new Counter({
    name: 'fleet_depot_index_packages_read_total',
    help: 'Packages that were looked into because they were new or changed',
    registers,
  });
  const success = new Gauge({
    name: 'fleet_depot_index_last_success_timestamp_seconds',
    help: 'When the package paths were last looked at without a fault, in seconds since 1970',
    registers,
  });
  return (measure) => {
    looks.inc({ result: measure.result });
    duration.observe(measure.seconds);
    read.inc(measure.read);
    if (measure.result !== 'failed') {
      success.set(Date.now() / 1000);
    }
  };
};
