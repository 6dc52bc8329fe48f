import { isFull, reasonOf } from '../files/errno.ts';

/** Why a file could not be written, in words for people. */
export const writeProblem = (error: unknown): string =>
  isFull(error) ? `${reasonOf(error)}: make room, and run the same again` : reasonOf(error);
