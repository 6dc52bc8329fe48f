import test from 'ava';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { createDistribution } from '../../src/telemetry/distribution.ts';

const bounds = [0.5, 1, 10];

test('a distribution has the values of a histogram of prom-client', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 20, noNaN: true }))),
      async (seen) => {
        const histogram = new Histogram({
          name: 'x',
          help: 'x',
          buckets: bounds,
          registers: [new Registry()],
          labelNames: ['a'],
        });
        const distribution = createDistribution(bounds);
        histogram.zero({ a: 'b' });
        for (const value of seen) {
          histogram.observe({ a: 'b' }, value);
          distribution.add(value);
        }
        const plain = (values: readonly object[]): unknown[] =>
          values.map((value) => {
            const { labels, value: number, metricName } = value as Record<string, unknown>;
            return { labels, number, metricName };
          });
        t.deepEqual(plain(distribution.values('x', { a: 'b' })), plain((await histogram.get()).values));
      },
    ),
  );
});
