/** How many values were how large, as a Prometheus histogram shows it. */
export interface Distribution {
  add(value: number): void;
  count(): number;
  /** As prom-client wants them: each bucket with all that is below it, the sum, the count. */
  values(name: string, labels: Readonly<Record<string, string>>): object[];
}

/** `bounds` are the upper ends of the buckets, rising; a value on a bound is in its bucket. */
export function createDistribution(bounds: readonly number[]): Distribution {
  // One more for what is above the last bound.
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  let count = 0;
  return {
    add: (value) => {
      sum += value;
      count += 1;
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) {
        at += 1;
      }
      counts[at] = (counts[at] ?? 0) + 1;
    },
    count: () => count,
    values: (name, labels) => {
      let below = 0;
      const buckets = bounds.map((bound, at) => {
        below += counts[at] ?? 0;
        return { labels: { le: bound, ...labels }, value: below, metricName: `${name}_bucket` };
      });
      return [
        ...buckets,
        { labels: { le: '+Inf', ...labels }, value: count, metricName: `${name}_bucket` },
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ];
    },
  };
}
