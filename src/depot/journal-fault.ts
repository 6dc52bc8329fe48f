import { DepotError } from '../domain/errors.ts';

/** What in a journal keeps anything from being changed. */
export interface JournalFault {
  readonly line: number;
  readonly reason: string;
  /** The chain is whole, but what the line tells of isn't known here. */
  readonly isNewer?: true;
}

/** Why nothing is changed in a depot with such a journal. */
export const journalError = (path: string, { line, reason, isNewer }: JournalFault): DepotError =>
  isNewer === true
    ? new DepotError('FORMAT_NEWER', { file: path, reason: `line ${line}: ${reason}` })
    : new DepotError('JOURNAL_BROKEN', { path, line, reason });
