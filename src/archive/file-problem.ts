import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { reasonOf } from '../files/errno.ts';

/** A clause that says why the system refused a file that was there: "permission denied". It continues "cannot be read: …". */
export const fileProblem = (error: unknown): string =>
  errnoOf(error) === 'ENOENT' ? 'it is gone, or a symlink leads nowhere' : reasonOf(error);

/** Wraps an error of the file system: FILE_UNREADABLE "`what` cannot be read: permission denied". A DepotError stays. */
export const unreadable = (what: string, error: unknown): DepotError =>
  error instanceof DepotError
    ? error
    : new DepotError('FILE_UNREADABLE', { reason: `${what} cannot be read: ${fileProblem(error)}` }, error);
