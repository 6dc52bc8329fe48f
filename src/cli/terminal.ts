import { createInterface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';

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
    try {
      return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
    } finally {
      lines.close();
    }
  },
  secret: async (question) => {
    output.write(`${question}: `);
    // readline echoes by writing to its output: this one swallows it. Terminal mode keeps the tty itself from echoing.
    const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input, output: mute, terminal: true });
    try {
      return await lines.question('');
    } finally {
      lines.close();
      output.write('\n');
    }
  },
});
