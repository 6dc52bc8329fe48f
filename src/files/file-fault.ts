import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { isFull, reasonOf } from './errno.ts';

/**
 * Turns an error of the file system into one of ours: DISK_FULL for a full disk or quota, FILE_FAILED for the others. Anything else
 * comes back as it is.
 */
export const fileFault = (error: unknown, file: string): unknown => {
  if (error instanceof DepotError || errnoOf(error) === undefined) {
    return error;
  }
  return isFull(error)
    ? new DepotError('DISK_FULL', { file }, error)
    : new DepotError('FILE_FAILED', { file, reason: reasonOf(error) }, error);
};
