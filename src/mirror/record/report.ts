import type { DepotError } from '../../domain/errors.ts';

/** One thing that could not be done, and what to do about it. */
export interface Failure {
  readonly label: string;
  readonly code: string;
  readonly reason: string;
  readonly advice: string;
}

/** What was done of one part of a set: packages, or files of a release. */
export interface PartOutcome {
  readonly fetched: readonly string[];
  readonly kept: readonly string[];
  readonly failed: readonly Failure[];
  readonly warnings: readonly { readonly label: string; readonly reason: string }[];
  /** Bytes that came over the network. */
  readonly bytes: number;
  readonly seconds: number;
  /** What ended the run early. */
  readonly halted: DepotError | undefined;
}

/** What a sync did of it. */
export interface SyncReport extends Omit<PartOutcome, 'halted'> {
  readonly distribution: string;
  readonly folder: string;
  readonly pruned: readonly string[];
  /** Where the folder is a depot: the snapshot in force now, and the one before where it is another. */
  readonly snapshot?: { readonly id: string | undefined; readonly previous?: string };
}

/** What a run came to, for who concludes it. */
export interface SyncOutcome {
  readonly failed: number;
  /** Paths of the files that `--prune` deleted. */
  readonly pruned: readonly string[];
}

/** An error as something that could not be done. */
export function failureOf(label: string, error: DepotError): Failure {
  return { label, code: error.code, reason: error.message, advice: error.advice };
}
