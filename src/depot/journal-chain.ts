import { DepotError } from '../domain/errors.ts';
import { digestOf } from '../files/digest.ts';
import type { JournalHead } from './journal-head.ts';
import { isKnownAction, parseJournalLine, type JournalLine } from './journal-line.ts';

/** All that a journal file says of itself. */
export interface JournalState {
  readonly lines: readonly JournalLine[];
  /** Hash of the last whole line: what the next one must name. */
  readonly head: string;
  /** Bytes of whole, chained lines. */
  readonly wholeBytes: number;
  /** Bytes after the last whole line: what a crash in the middle of a write leaves. */
  readonly tornBytes: number;
  /** Lines that `journal.head` knows of; 0 where it is missing. */
  readonly knownLines: number;
  /** Where the chain breaks, if it does: an altered, added or lost line; or the first line that only a newer version knows. */
  readonly fault?: JournalFault;
}

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

const origin = '0'.repeat(64);
const lineEnd = 0x0a;

/**
 * Reads a journal's bytes. A last line without its end of line is torn (a crash), anything else that isn't a chained
 * line is a fault (tampering or a damaged disk); reading stops there.
 */
export const readJournal = (bytes: Buffer): JournalState => {
  const lines: JournalLine[] = [];
  let head = origin;
  let offset = 0;
  for (;;) {
    const state = { lines, head, wholeBytes: offset, tornBytes: 0, knownLines: 0 };
    const end = bytes.indexOf(lineEnd, offset);
    if (end < 0) {
      return { ...state, tornBytes: bytes.length - offset };
    }
    const text = bytes.toString('utf8', offset, end);
    const isText = Buffer.from(text).equals(bytes.subarray(offset, end));
    const line = isText ? parseJournalLine(text) : undefined;
    const n = lines.length + 1;
    if (line === undefined) {
      return { ...state, fault: { line: n, reason: 'it is not a line of a journal' } };
    }
    const reason = breakOf(line, n, head);
    if (reason !== undefined) {
      return { ...state, fault: { line: n, reason } };
    }
    lines.push(line);
    head = digestOf(text);
    offset = end + 1;
  }
};

/** Why a line isn't the n-th one that follows on `head`; undefined where it is. */
const breakOf = (line: JournalLine, n: number, head: string): string | undefined => {
  if (line.previous !== head) {
    return n === 1
      ? 'it names a line before it, but it is the first'
      : `it does not follow line ${n - 1}: one of the two was changed, or lines are lost`;
  }
  return line.n === n ? undefined : `it has the number ${line.n}`;
};

/** The same, held against its `journal.head` (undefined where that was changed), and against what this version knows. */
export const checkJournal = (bytes: Buffer, known: JournalHead | undefined): JournalState =>
  checkActions(checkEnd(readJournal(bytes), bytes, known));

/** A chain that is whole, but ends before or otherwise than `journal.head` knows, was changed at its end. */
const checkEnd = (read: JournalState, bytes: Buffer, known: JournalHead | undefined): JournalState => {
  if (read.fault !== undefined) {
    return read;
  }
  const state = { ...read, knownLines: known?.lines ?? 0 };
  const fault = (line: number, reason: string): JournalState => ({ ...state, fault: { line, reason } });
  if (known === undefined) {
    return fault(state.lines.length, '`journal.head`, which lies beside it and names it, was changed');
  }
  if (known.lines > state.lines.length) {
    return fault(
      state.lines.length + 1,
      state.lines.length + 1 === known.lines
        ? 'it is lost or cut; it was the last one'
        : `it is lost, and those up to line ${known.lines} are`,
    );
  }
  if (known.lines > 0 && digestOf(lineOf(bytes, known.lines)) !== known.digest) {
    return fault(known.lines, 'it was changed, or `journal.head`, which lies beside it and names it');
  }
  return state;
};

/** The text of a line that is there, from 1. */
const lineOf = (bytes: Buffer, n: number): Buffer => {
  let start = 0;
  for (let line = 1; line < n; line += 1) {
    start = bytes.indexOf(lineEnd, start) + 1;
  }
  return bytes.subarray(start, bytes.indexOf(lineEnd, start));
};

/** A line of a newer version may have changed what is in force or kept: whoever doesn't know how had better change nothing. */
const checkActions = (state: JournalState): JournalState => {
  const line =
    state.fault === undefined ? state.lines.find(({ action }) => !isKnownAction(action)) : undefined;
  if (line === undefined) {
    return state;
  }
  const reason = `it tells of \`${line.action}\`, which this version doesn't know: a newer one wrote it`;
  return { ...state, fault: { line: line.n, reason, isNewer: true } };
};
