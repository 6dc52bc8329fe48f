import type { DepotError } from '../../domain/errors.ts';

/** What is wanted and can't be had. */
export interface WantedProblem {
  readonly label: string;
  readonly reason: string;
  readonly error?: DepotError;
}
