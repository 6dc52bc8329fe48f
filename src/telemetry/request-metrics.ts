import { Gauge, type Metric, type Registry } from 'prom-client';
import { createDistribution, type Distribution } from './distribution.ts';

/** One answered request. */
export interface RequestMeasure {
  readonly status: number;
  readonly method: string;
  /** The route's template, never the raw path. */
  readonly route: string;
  readonly seconds: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** What is measured of requests. */
export interface RequestMetrics {
  started(): void;
  finished(measure: RequestMeasure): void;
}

/** All requests with the same labels. */
interface Tally {
  readonly labels: { readonly code: string; readonly method: string; readonly path: string };
  readonly seconds: Distribution;
  readonly requestBytes: Distribution;
  readonly responseBytes: Distribution;
}

// Answers are from some bytes to archives of hundreds of megabytes.
const sizeBounds = [1e3, 1e4, 1e5, 1e6, 5e6, 1e7, 2.5e7, 5e7, 1e8, 2.5e8, 1e9];
const timeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);

/**
 * The request metrics, counted in one look-up for each request: prom-client makes a text of the labels for each of four metrics. It
 * gets the values when it is asked for them.
 */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const tallies = new Map<string, Map<number, Map<string, Tally>>>();
  const tallyOf = (route: string, status: number, method: string): Tally => {
    let byStatus = tallies.get(route);
    if (!byStatus) {
      tallies.set(route, (byStatus = new Map()));
    }
    let byMethod = byStatus.get(status);
    if (!byMethod) {
      byStatus.set(status, (byMethod = new Map()));
    }
    let tally = byMethod.get(method);
    if (!tally) {
      tally = {
        labels: { code: String(status), method: method.toLowerCase(), path: route },
        seconds: createDistribution(timeBounds),
        requestBytes: createDistribution(sizeBounds),
        responseBytes: createDistribution(sizeBounds),
      };
      byMethod.set(method, tally);
    }
    return tally;
  };
  const all = (): Tally[] =>
    [...tallies.values()].flatMap((byStatus) =>
      [...byStatus.values()].flatMap((byMethod) => [...byMethod.values()]),
    );

  /** A registry asks a metric for its name and, at each scrape, for its values. */
  const add = (name: string, help: string, type: string, valuesOf: (tally: Tally) => object[]): void => {
    const get = async (): Promise<object> => ({
      name,
      help,
      type,
      aggregator: 'sum',
      values: all().flatMap(valuesOf),
    });
    registry.registerMetric({ name, get } as unknown as Metric);
  };
  const addHistogram = (name: string, help: string, of: (tally: Tally) => Distribution): void =>
    add(name, help, 'histogram', (tally) => of(tally).values(name, tally.labels));

  let running = 0;
  const inFlight: Gauge = new Gauge({
    name: 'epr_in_flight_requests',
    help: 'Requests that run now',
    registers: [registry],
    collect: () => inFlight.set(running),
  });
  add('epr_http_requests_total', 'Answered requests', 'counter', ({ labels, seconds }) => [
    { labels, value: seconds.count() },
  ]);
  addHistogram(
    'epr_http_request_duration_seconds',
    'Time from the request to the end of its answer',
    ({ seconds }) => seconds,
  );
  addHistogram('epr_http_request_size_bytes', 'Bytes of requests', ({ requestBytes }) => requestBytes);
  addHistogram('epr_http_response_size_bytes', 'Bytes of answers', ({ responseBytes }) => responseBytes);

  return {
    started: () => {
      running += 1;
    },
    finished: ({ status, method, route, seconds, requestBytes, responseBytes }) => {
      running -= 1;
      const tally = tallyOf(route, status, methods.has(method) ? method : 'unknown');
      tally.seconds.add(seconds);
      tally.requestBytes.add(requestBytes);
      tally.responseBytes.add(responseBytes);
    },
  };
}
