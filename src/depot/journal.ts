import { open, readFile, rename, truncate } from 'node:fs/promises';
import { digestOf } from '../files/digest.ts';
import { diskError } from './disk-error.ts';
import { errnoOf } from '../domain/system-error.ts';
import { journalError, type JournalFault } from './journal-fault.ts';
import { readJournalHead, writeJournalHead, type JournalHead } from './journal-head.ts';

const actions = [
  'init',
  'import',
  'switch',
  'rollback',
  'pin',
  'unpin',
  'label',
  'unlabel',
  'gc',
  'adopt',
  'recover',
  'restart',
] as const;

/** What a line of the journal can tell of. */
export type JournalAction = (typeof actions)[number];

/** A change as it is handed to the journal. */
export interface JournalEvent {
  readonly action: JournalAction;
  readonly snapshot?: string;
  /** Digest of the snapshot's set of files. */
  readonly digest?: string;
  /** Id of the bundle it came with: the digest of its manifest. */
  readonly bundle?: string;
  /** Fingerprint of who signed that bundle, or `unsigned`. */
  readonly signer?: string;
  /** One clause for people. */
  readonly note?: string;
}

/** A line of the journal. `previous` is the SHA-256 of the line before (64 zeros in the first). */
export interface JournalLine extends JournalEvent {
  readonly n: number;
  /** What the clock said; a clock that was set back shows here and breaks nothing. */
  readonly time: string;
  readonly user: string;
  readonly previous: string;
}

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

/** The append-only record of every change of a depot. */
export interface Journal {
  read(): Promise<JournalState>;
  /** Adds one line, synced. Only with the depot's lock held. Throws JOURNAL_BROKEN or FORMAT_NEWER. */
  append(event: JournalEvent): Promise<JournalLine>;
  /** Sets a broken journal aside and starts a new chain that names the old file's digest. Returns the old file's new path. Throws FORMAT_NEWER. */
  restart(): Promise<string>;
}

const origin = '0'.repeat(64);
const headOf = (path: string): string => path.replace(/\.jsonl$/, '.head');

/** Reads a journal and holds it against its `journal.head`; none is an empty one. Throws FILE_FAILED. */
export const readJournalFile = async (path: string): Promise<JournalState> => {
  // First, so that a line which is added meanwhile is in the journal and not yet in it.
  const known = await readJournalHead(headOf(path));
  const bytes = await readFile(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') {
      return Buffer.alloc(0);
    }
    throw diskError(path, error);
  });
  return checkActions(checkEnd(readJournal(bytes), bytes, known));
};

export const createJournal = (path: string, clock: () => Date, user: () => string): Journal => {
  const headFile = headOf(path);
  const read = (): Promise<JournalState> => readJournalFile(path);

  const write = async (state: JournalState, event: JournalEvent): Promise<JournalState> => {
    const line: JournalLine = {
      n: state.lines.length + 1,
      time: clock().toISOString(),
      user: user(),
      ...event,
      previous: state.head,
    };
    const text = JSON.stringify(line);
    try {
      const handle = await open(path, 'a', 0o644);
      try {
        await handle.writeFile(`${text}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw diskError(path, error);
    }
    await writeJournalHead(headFile, line.n, text);
    return {
      lines: [...state.lines, line],
      head: digestOf(text),
      wholeBytes: state.wholeBytes + Buffer.byteLength(text) + 1,
      tornBytes: 0,
      knownLines: line.n,
    };
  };

  return {
    read,
    async append(event) {
      let state = await read();
      if (state.fault !== undefined) {
        throw journalError(path, state.fault);
      }
      if (state.tornBytes > 0) {
        await truncate(path, state.wholeBytes);
        state = await write(state, {
          action: 'recover',
          note: `cut off ${state.tornBytes} bytes of a line that a crash left torn`,
        });
      }
      state = await write(state, event);
      return state.lines.at(-1) as JournalLine;
    },
    async restart() {
      const { fault, knownLines } = await read();
      // A line that `journal.head` doesn't vouch for may as well have been altered.
      if (fault?.isNewer === true && fault.line <= knownLines) {
        throw journalError(path, fault);
      }
      // A journal that is gone is set aside as an empty one.
      const handle = await open(path, 'a');
      await handle.close();
      const bytes = await readFile(path);
      const digest = digestOf(bytes);
      const aside = path.replace(/\.jsonl$/, `.damaged-${digest.slice(0, 16)}.jsonl`);
      await rename(path, aside);
      await write(readJournal(Buffer.alloc(0)), {
        action: 'restart',
        note: `an earlier journal was set aside with SHA-256 ${digest}`,
      });
      return aside;
    },
  };
};

/**
 * Reads a journal's bytes. A last line without its end of line is torn (a crash), anything else that isn't a chained
 * line is a fault (tampering or a damaged disk); reading stops there.
 */
export const readJournal = (bytes: Buffer): JournalState => {
  const lines: JournalLine[] = [];
  let head = origin;
  let offset = 0;
  while (offset < bytes.length) {
    const end = bytes.indexOf(0x0a, offset);
    if (end < 0) {
      return { lines, head, wholeBytes: offset, tornBytes: bytes.length - offset, knownLines: 0 };
    }
    const text = bytes.toString('utf8', offset, end);
    const line = parseLine(text);
    const reason = faultOf(
      line,
      lines.length + 1,
      head,
      Buffer.from(text).equals(bytes.subarray(offset, end)),
    );
    if (line === undefined || reason !== undefined) {
      return {
        lines,
        head,
        wholeBytes: offset,
        tornBytes: 0,
        knownLines: 0,
        fault: { line: lines.length + 1, reason: reason ?? '' },
      };
    }
    lines.push(line);
    head = digestOf(text);
    offset = end + 1;
  }
  return { lines, head, wholeBytes: offset, tornBytes: 0, knownLines: 0 };
};

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

/** A line of a newer version may have changed what is in force or kept: whoever doesn't know how had better change nothing. */
const checkActions = (state: JournalState): JournalState => {
  const line =
    state.fault === undefined ? state.lines.find(({ action }) => !actions.includes(action)) : undefined;
  return line === undefined
    ? state
    : {
        ...state,
        fault: {
          line: line.n,
          reason: `it tells of \`${line.action}\`, which this version doesn't know: a newer one wrote it`,
          isNewer: true,
        },
      };
};

/** The text of a line that is there, from 1. */
const lineOf = (bytes: Buffer, n: number): Buffer => {
  let start = 0;
  for (let line = 1; line < n; line += 1) {
    start = bytes.indexOf(0x0a, start) + 1;
  }
  return bytes.subarray(start, bytes.indexOf(0x0a, start));
};

const faultOf = (
  line: JournalLine | undefined,
  n: number,
  head: string,
  isText: boolean,
): string | undefined => {
  if (line === undefined || !isText) {
    return 'it is not a line of a journal';
  }
  if (line.previous !== head) {
    return n === 1
      ? 'it names a line before it, but it is the first'
      : `it does not follow line ${n - 1}: one of the two was changed, or lines are lost`;
  }
  if (line.n !== n) {
    return `it has the number ${line.n}`;
  }
  return undefined;
};

const parseLine = (text: string): JournalLine | undefined => {
  try {
    const value = JSON.parse(text) as Partial<JournalLine> | null;
    if (typeof value !== 'object' || value === null) {
      return undefined;
    }
    const { n, time, user, action, previous, snapshot, digest, bundle, signer, note } = value;
    const optional = [snapshot, digest, bundle, signer, note];
    if (
      typeof n !== 'number' ||
      typeof time !== 'string' ||
      typeof user !== 'string' ||
      typeof previous !== 'string' ||
      typeof action !== 'string'
    ) {
      return undefined;
    }
    return optional.every((one) => one === undefined || typeof one === 'string')
      ? (value as JournalLine)
      : undefined;
  } catch {
    return undefined;
  }
};
