import { createInterface, type Interface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { DepotError } from '../domain/errors.ts';

/** The person at the keyboard, if there is one. */
export interface Terminal {
  /** False where nobody can answer: then nothing is asked. */
  readonly interactive: boolean;
  /** A yes/no question; anything but y or yes is no. */
  confirm(question: string): Promise<boolean>;
  /** A question whose answer isn't echoed. */
  secret(question: string): Promise<string>;
}

/** Asks on `output` (stderr, so that results stay clean) and reads from `input`. */
export const createTerminal = (
  input: Readable & { isTTY?: boolean },
  output: Writable & { isTTY?: boolean },
): Terminal => ({
  interactive: input.isTTY === true && output.isTTY === true,
  confirm: async (question) => {
    const lines = createInterface({ input, output });
    return /^y(?:es)?$/i.test((await answerOf(lines, `${question} [y/N] `)).trim());
  },
  secret: async (question) => {
    output.write(`${question}: `);
    // readline echoes by writing to its output: this one swallows it. Terminal mode keeps the tty itself from echoing.
    const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input, output: mute, terminal: true });
    try {
      return await answerOf(lines, '');
    } finally {
      output.write('\n');
    }
  },
});

/** The terminal of this process. Nothing of stdin is touched before there is a question. */
export const processTerminal: Terminal = {
  get interactive() {
    return isatty(0) && isatty(2);
  },
  confirm: (question) => createTerminal(process.stdin, process.stderr).confirm(question),
  secret: (question) => createTerminal(process.stdin, process.stderr).secret(question),
};

// Ctrl-C and Ctrl-D would otherwise leave the question open for ever.
const answerOf = async (lines: Interface, question: string): Promise<string> => {
  const leaving = new AbortController();
  lines.once('SIGINT', () => leaving.abort());
  lines.once('close', () => leaving.abort());
  try {
    return await lines.question(question, { signal: leaving.signal });
  } catch (error) {
    throw leaving.signal.aborted
      ? new DepotError('USAGE', { reason: 'the question was not answered' }, error)
      : error;
  } finally {
    lines.close();
  }
};
