import { DepotError } from '../domain/errors.ts';
import type { RunLock } from '../files/run-lock.ts';
import { diskError } from './disk-error.ts';
import type { DepotLayout } from './layout.ts';

/** What one run holds while it changes a depot. Refuses with DEPOT_LOCKED. */
export const depotLock = ({ lock }: DepotLayout): RunLock => ({
  file: lock,
  refusal: (holder) => new DepotError('DEPOT_LOCKED', { path: lock, holder }),
  fault: (error) => diskError(lock, error),
});
