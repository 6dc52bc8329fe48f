import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { reasonOf } from '../files/errno.ts';

/** A clause that says why the system refused a file that was there: "permission denied". It continues "cannot be read: …". */
export const fileProblem = (error: unknown): string =>
  errnoOf(error) === 'ENOENT' ? 'it is gone, or a symlink leads nowhere' : reasonOf(error);

/** Where reading failed: at this byte of this file, or in opening it. */
export interface FailedPlace {
  readonly path: string;
  readonly position?: number;
}

/**
 * Wraps an error of the file system: FILE_UNREADABLE "`what` cannot be read: permission denied", with its place in the details. A
 * DepotError stays.
 */
export const unreadable = (what: string, error: unknown, place?: FailedPlace): DepotError =>
  error instanceof DepotError
    ? error
    : new DepotError(
        'FILE_UNREADABLE',
        { ...place, reason: `${what} cannot be read: ${fileProblem(error)}` },
        error,
      );
