import test from 'ava';
import { createSharedMetrics } from '../../src/app/shared-metrics.ts';
import type { MetricValues } from '../../src/app/messages.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** The values of a process that has answered so many requests. */
const answered = async (count: number): Promise<MetricValues> => {
  const metrics = createMetrics({ version: 'test' });
  for (let at = 0; at < count; at += 1) {
    metrics.requestStarted();
    metrics.requestFinished({
      status: 200,
      method: 'GET',
      route: '/search',
      seconds: 0.1,
      requestBytes: 0,
      responseBytes: 1,
    });
  }
  return metrics.registry.getMetricsAsJSON();
};

test('the counts of workers that die at the same time are all kept', async (t) => {
  const shared = createSharedMetrics(createMetrics({ version: 'test' }));
  for (const [worker, count] of [3, 4, 5].entries()) {
    shared.take(worker, 0, await answered(count));
  }
  const total = async (): Promise<string | undefined> =>
    (await shared.text([]))
      .split('\n')
      .find((line) => line.startsWith('epr_http_requests_total{'))
      ?.split(' ')
      .at(-1);
  t.is(await total(), '12');
  shared.retire(0);
  shared.retire(1);
  t.is(await total(), '12');
  shared.retire(2);
  t.is(await total(), '12');
  t.is(await total(), '12');
});
