import type { Stats } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { fileFault } from '../../files/file-fault.ts';

/** What was found of an archive, or of a file of a release, when it was checked. */
export interface Facts {
  /** `name-version`; of a file of a release its path, which has a slash. */
  readonly id: string;
  readonly sha256: string;
  readonly size: number;
  /** Fingerprint of the key whose signature was good; absent where none was asked for. */
  readonly signer?: string;
  /** Milliseconds since 1970 until which its signature counts, where that has an end of its own. */
  readonly signedUntil?: number;
  readonly signature?: { readonly sha256: string; readonly size: number };
  /** Address the archive came from, without userinfo. */
  readonly source: string;
  /** Where it was stripped and signed anew: what it was when it came, with the signer that vouched for it. */
  readonly original?: OriginalFacts;
  /** Of an artifact: what its `.sha512` vouches for. */
  readonly sha512?: string;
  /** Of a key file: the fingerprints of its keys. */
  readonly fingerprints?: readonly string[];
}

/** What an archive was before it was changed. */
export type OriginalFacts = Omit<Facts, 'id' | 'source' | 'original'>;

/** Facts, and the file they are about: only the very same file needs no second check. */
interface JournalLine extends Facts {
  readonly modified: number;
  readonly inode: number;
  /** None yet: a later version whose lines mean something else gives them a number. */
  readonly format?: unknown;
}

/** What was checked in a folder before. A line is written as soon as an archive is in place, so a kill loses nothing. */
export interface Journal {
  /** Facts of a file that hasn't changed since, nor has its signature ended; undefined if it has to be checked again. */
  recall(id: string, stats: Stats): Facts | undefined;
  /** Facts whatever the file is like now: sync has placed this once. */
  known(id: string): Facts | undefined;
  record(facts: Facts, stats: Pick<Stats, 'mtimeMs' | 'ino'>): Promise<void>;
  /** Writes what was only noted when it was opened: before the lock file that knew of it is replaced. */
  keep(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the journal; lines that a crash has torn are passed over. With `readOnly` nothing is written. `placed` is what lock files
 * say that sync has placed, maybe elsewhere: what the journal doesn't know of it is noted, so that it is still known when no lock
 * file names it any more. It counts as never checked here.
 */
export async function openJournal(
  file: string,
  readOnly: boolean,
  placed: readonly Facts[] = [],
  now: () => number = Date.now,
): Promise<Journal> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = readLines(text);
  const appending = createAppending(file, text !== '' && !text.endsWith('\n'), readOnly);
  const note = (line: JournalLine): void => {
    lines.set(line.id, line);
    appending.add(line);
  };
  for (const facts of placed.filter(({ id }) => !lines.has(id))) {
    note({ ...facts, modified: 0, inode: -1 });
  }
  return {
    recall(id, stats) {
      const line = lines.get(id);
      const same =
        line && line.size === stats.size && line.modified === stats.mtimeMs && line.inode === stats.ino;
      const hasEnded = line?.signedUntil !== undefined && line.signedUntil <= now();
      return same && !hasEnded ? line : undefined;
    },
    known: (id) => lines.get(id),
    async record(facts, stats) {
      note({ ...facts, modified: stats.mtimeMs, inode: stats.ino });
      await appending.write();
    },
    keep: appending.write,
    close: appending.close,
  };
}

/** Lines on their way to the end of a file. */
interface Appending {
  add(line: JournalLine): void;
  /** Resolves when all that was added until now is written. */
  write(): Promise<void>;
  close(): Promise<void>;
}

/** `isTorn`: the file doesn't end with a line. Lines that come while others are written go together. */
function createAppending(file: string, isTorn: boolean, readOnly: boolean): Appending {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  let waiting: string[] = [];
  let writing = Promise.resolve();
  /** The first line makes the file: a run that checks nothing leaves none. A torn line ends where the next begins. */
  const create = async (): Promise<NonNullable<typeof handle>> => {
    const opened = await open(file, 'a', 0o644);
    if (isTorn) {
      await opened.appendFile('\n');
    }
    return opened;
  };
  const writeWaiting = async (): Promise<void> => {
    const joined = waiting.join('');
    waiting = [];
    try {
      if (joined !== '' && !readOnly) {
        handle ??= await create();
        await handle.appendFile(joined);
      }
    } catch (error) {
      throw fileFault(error, file);
    }
  };
  return {
    add: (line) => void waiting.push(`${JSON.stringify(line)}\n`),
    async write() {
      writing = writing.catch(() => {}).then(writeWaiting);
      await writing;
    },
    close: async () => handle?.close(),
  };
}

function readLines(text: string): Map<string, JournalLine> {
  const lines = new Map<string, JournalLine>();
  for (const line of text.split('\n')) {
    const parsed = parseLine(line);
    if (parsed && parsed.format === undefined) {
      lines.set(parsed.id, parsed);
    } else if (parsed) {
      // Nor does an earlier line count any more: the file is checked again.
      lines.delete(parsed.id);
    }
  }
  return lines;
}

function parseLine(line: string): JournalLine | undefined {
  try {
    const value = JSON.parse(line) as Partial<JournalLine>;
    const whole =
      typeof value.id === 'string' && typeof value.sha256 === 'string' && typeof value.inode === 'number';
    return whole ? (value as JournalLine) : undefined;
  } catch {
    return undefined;
  }
}
