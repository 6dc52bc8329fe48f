import type { Worker } from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { Metrics } from '../telemetry/metrics.ts';
import type { MetricValues, ToWorker } from './messages.ts';

/** The metrics of all processes as one. */
export interface SharedMetrics {
  /** Asks all workers and adds up what they and this process have. */
  text(workers: readonly Worker[]): Promise<string>;
  take(worker: number, id: number, values: MetricValues): void;
  /** Keeps the counts of a worker that died: a counter never goes back. */
  retire(worker: number): void;
}

const patience = 1000;

export function createSharedMetrics(own: Metrics): SharedMetrics {
  const latest = new Map<number, MetricValues>();
  let retired: MetricValues | undefined;
  // One after the other: workers may die at the same time.
  let summing: Promise<void> = Promise.resolve();
  const waiting = new Map<number, (worker: number) => void>();
  let asked = 0;

  const ask = (workers: readonly Worker[]): Promise<void> => {
    const id = ++asked;
    const missing = new Set(workers.filter((worker) => worker.isConnected()).map((worker) => worker.id));
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve();
      };
      // One that doesn't answer is shown as it was.
      const timer = setTimeout(finish, patience);
      waiting.set(id, (worker) => {
        missing.delete(worker);
        if (missing.size === 0) {
          finish();
        }
      });
      if (missing.size === 0) {
        finish();
      }
      for (const worker of workers) {
        if (missing.has(worker.id)) {
          worker.send({ type: 'ask-metrics', id } satisfies ToWorker);
        }
      }
    });
  };

  const keep = async (before: Promise<void>, counts: MetricValues): Promise<void> => {
    await before;
    retired = await addUp(retired ? [retired, counts] : [counts]).getMetricsAsJSON();
  };

  return {
    take: (worker, id, values) => {
      latest.set(worker, values);
      waiting.get(id)?.(worker);
    },
    retire: (worker) => {
      const values = latest.get(worker);
      latest.delete(worker);
      if (values) {
        const counts = values.filter(({ type }) => String(type) !== 'gauge');
        summing = keep(summing, counts);
      }
    },
    text: async (workers) => {
      await ask(workers);
      await summing;
      const mine = (await own.registry.getMetricsAsJSON()) as MetricValues;
      return addUp([mine, ...latest.values(), ...(retired ? [retired] : [])]).metrics();
    },
  };
}

/** Each metric by its own rule: counters and histograms are sums, gauges what their `aggregator` says. */
function addUp(processes: readonly MetricValues[]): Registry {
  return AggregatorRegistry.aggregate(processes as unknown as object[]);
}
