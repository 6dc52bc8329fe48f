import { readPassphrase } from '../signing/passphrase.ts';
import type { Signer } from '../signing/signature.ts';
import { createSigner } from '../signing/signer.ts';
import type { Terminal } from './terminal.ts';
import type { CommandIo } from './verb.ts';

/** Opens the site key; asks for its passphrase where nothing else says it. */
export type LoadSigner = (
  keyFile: string,
  passphraseFile: string | undefined,
  io: CommandIo,
) => Promise<Signer>;

/** Loads a site key; asks the terminal for its passphrase where no file and no variable has it. */
export const signerLoader =
  (terminal: Terminal): LoadSigner =>
  (keyFile, passphraseFile, io) =>
    createSigner(keyFile, () => askPassphrase(`Passphrase of ${keyFile}`, passphraseFile, terminal, io));

/** The passphrase from wherever it may come from; a terminal is asked last. */
export const askPassphrase = (
  question: string,
  file: string | undefined,
  terminal: Terminal,
  io: CommandIo,
): Promise<string | undefined> =>
  readPassphrase({
    file,
    env: io.env,
    ask: terminal.interactive ? () => terminal.secret(question) : undefined,
    warn: (line) => io.stderr.write(`${line}\n`),
  });
