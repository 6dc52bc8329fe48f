import { open, readFile, rename, truncate } from 'node:fs/promises';
import { errnoOf } from '../domain/system-error.ts';
import { digestOf } from '../files/digest.ts';
import { diskError } from './disk-error.ts';
import { checkJournal, journalError, readJournal, type JournalState } from './journal-chain.ts';
import { readJournalHead, writeJournalHead } from './journal-head.ts';
import type { JournalEvent, JournalLine } from './journal-line.ts';

/** The append-only record of every change of a depot. */
export interface Journal {
  read(): Promise<JournalState>;
  /** Adds one line, synced. Only with the depot's lock held. Throws JOURNAL_BROKEN or FORMAT_NEWER. */
  append(event: JournalEvent): Promise<JournalLine>;
  /** Sets a broken journal aside and starts a new chain that names the old file's digest. Returns the old file's new path. Throws FORMAT_NEWER. */
  restart(): Promise<string>;
}

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
  return checkJournal(bytes, known);
};

/** The journal of a file; its lines say the time of `clock`, and who did it. */
export const createJournal = (path: string, clock: () => Date, user: () => string): Journal => {
  const read = (): Promise<JournalState> => readJournalFile(path);

  /** Adds a line behind those of `state`; returns the state with it. */
  const write = async (state: JournalState, event: JournalEvent): Promise<JournalState> => {
    const line: JournalLine = {
      n: state.lines.length + 1,
      time: clock().toISOString(),
      user: user(),
      ...event,
      previous: state.head,
    };
    const text = JSON.stringify(line);
    await addText(path, `${text}\n`);
    await writeJournalHead(headOf(path), line.n, text);
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

const addText = async (path: string, text: string): Promise<void> => {
  try {
    const handle = await open(path, 'a', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw diskError(path, error);
  }
};
