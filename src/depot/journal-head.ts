import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { errnoOf } from '../domain/system-error.ts';
import { digestOf } from '../files/digest.ts';
import { diskError } from './disk-error.ts';

/**
 * How far a journal had come: a chain shows every change but those at its end, since nothing names the last line. Lies
 * beside the journal as `journal.head` and is written after each line, so that a crash can leave it behind, never ahead.
 */
export interface JournalHead {
  /** Lines that were whole and on the disk; 0 where nothing is known (a depot of before, a file that never got there). */
  readonly lines: number;
  /** SHA-256 of the last of them. */
  readonly digest: string;
}

const nothing: JournalHead = { lines: 0, digest: '' };
const form = /^ *(\d{1,12}) ([0-9a-f]{64})\n$/;

/** Reads it; `undefined` where its text was changed. */
export const readJournalHead = async (path: string): Promise<JournalHead | undefined> => {
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return nothing;
    }
    throw diskError(path, error);
  }
  // What a power cut leaves of a file that was just made.
  if (/^\0*$/.test(text)) {
    return nothing;
  }
  const match = form.exec(text);
  return match === null ? undefined : { lines: Number(match[1]), digest: match[2] ?? '' };
};

/** Writes it in place, always as long: so it needs no space on a full disk. Where it can't, the old one stays true. */
export const writeJournalHead = async (path: string, lines: number, lastLine: string): Promise<void> => {
  const text = `${String(lines).padStart(12)} ${digestOf(lastLine)}\n`;
  try {
    const handle = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
    try {
      await handle.write(text, 0, 'latin1');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
  }
};
