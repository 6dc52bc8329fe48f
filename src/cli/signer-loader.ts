import { readPassphrase } from '../signing/passphrase.ts';
import { createSigner } from '../signing/signer.ts';
import type { LoadSigner } from './sync/resigner.ts';
import type { Terminal } from './terminal.ts';

/** Loads a site key; asks the terminal for its passphrase where no file and no variable has it. */
export const signerLoader =
  (terminal: Terminal): LoadSigner =>
  (keyFile, passphraseFile, io) =>
    createSigner(keyFile, () =>
      readPassphrase({
        file: passphraseFile,
        env: io.env,
        ask: terminal.interactive ? () => terminal.secret(`Passphrase of ${keyFile}`) : undefined,
        warn: (line) => io.stderr.write(`${line}\n`),
      }),
    );
