import { DepotError, messageOf } from '../domain/errors.ts';
import { isFull, reasonOf } from '../files/errno.ts';

/** SIGNED_FILE_UNREADABLE for what the system said. */
export const unreadableFile = (path: string, error: unknown): DepotError =>
  new DepotError('SIGNED_FILE_UNREADABLE', { path, reason: messageOf(error) }, error);

/** Why a file could not be written, in words for people. */
export const writeProblem = (error: unknown): string =>
  isFull(error) ? `${reasonOf(error)}: make room, and run the same again` : reasonOf(error);
