import type { DepotError } from '../../domain/errors.ts';
import { failureOf, type Failure, type PartOutcome } from './report.ts';

/** Keeps count of what becomes of one part of a set while it is brought. */
export interface Tally {
  /** What ends the run early. */
  readonly halted: DepotError | undefined;
  /** Bytes that came until now. */
  readonly bytes: number;
  /** Adds bytes that came; negative when a part starts again. */
  received(count: number): void;
  fetched(label: string): void;
  kept(label: string): void;
  warn(label: string, reason: string): void;
  /** One thing failed, and the run goes on. */
  note(label: string, error: DepotError): void;
  /** One of the set failed. An interruption and a full disk end the run: all that is left would fail as well. */
  fail(label: string, error: DepotError): void;
  /** Ends the run early. */
  halt(error: DepotError): void;
  /** What came of it, each list sorted. What is left of a run that was ended is one failure, under the label that is made of how many came. */
  outcome(labelOfRest: (fetched: number) => string): PartOutcome;
}

/** Starts to count, and the time; `failed` is what was known to fail before. */
export function createTally(failed: readonly Failure[]): Tally {
  const startedAt = performance.now();
  const fetched: string[] = [];
  const kept: string[] = [];
  const failures = [...failed];
  const warnings: { label: string; reason: string }[] = [];
  let bytes = 0;
  let halted: DepotError | undefined;
  const note = (label: string, error: DepotError): void => void failures.push(failureOf(label, error));
  return {
    get halted() {
      return halted;
    },
    get bytes() {
      return bytes;
    },
    received: (count) => {
      bytes += count;
    },
    fetched: (label) => void fetched.push(label),
    kept: (label) => void kept.push(label),
    warn: (label, reason) => void warnings.push({ label, reason }),
    fail: (label, error) => {
      if (error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') {
        halted = error;
      } else {
        note(label, error);
      }
    },
    note,
    halt: (error) => {
      halted = error;
    },
    outcome: (labelOfRest) => {
      const rest = halted ? [failureOf(labelOfRest(fetched.length), halted)] : [];
      return {
        fetched: fetched.toSorted(),
        kept: kept.toSorted(),
        failed: [...failures, ...rest].toSorted((a, b) => (a.label < b.label ? -1 : 1)),
        warnings,
        bytes,
        seconds: (performance.now() - startedAt) / 1000,
        halted,
      };
    },
  };
}
