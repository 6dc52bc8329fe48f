/** What is counted. */
export type Unit = 'req/s' | 'MB/s' | 'ms' | 's' | 'MB';

/** What a line promises: a bound for its value, or for its value divided by the yardstick's. */
export interface Wanted {
  readonly of: 'value' | 'ratio';
  readonly least?: number;
  readonly most?: number;
}

/** One measured line of the table. */
export interface Finding {
  readonly key: string;
  readonly title: string;
  readonly unit: Unit;
  readonly value: number;
  readonly yardstick?: { readonly name: string; readonly value: number };
  readonly wanted: Wanted;
  /** Reasons why the line is not met, whatever its value: requests that failed. */
  readonly faults: readonly string[];
  readonly note?: string;
}

/** The line's value in parts of its yardstick's. */
export const ratioOf = ({ value, yardstick }: Finding): number | undefined =>
  yardstick === undefined ? undefined : value / yardstick.value;

/** Whether the line keeps what it promises. */
export function isMet(finding: Finding): boolean {
  const { least = -Infinity, most = Infinity, of } = finding.wanted;
  const judged = of === 'value' ? finding.value : (ratioOf(finding) ?? Number.NaN);
  return finding.faults.length === 0 && judged >= least && judged <= most;
}

/** The middle one; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value that `share` of all are not above: 0.99 for the 99th percentile. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
