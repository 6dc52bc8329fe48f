import path from 'node:path';
import { isThere } from '../../files/place.ts';
import { createKeyring, keyringLocation } from '../../signing/keyring.ts';
import { createVerifier } from '../../signing/verifier.ts';
import type { BundleTools } from './trust.ts';
import { signerLoader } from '../signer-loader.ts';
import type { Terminal } from '../terminal.ts';

/** The signing side of `bundle`: site keys, passphrases, keyrings. */
export const createBundleTools = (terminal: Terminal): BundleTools => ({
  loadSigner: signerLoader(terminal),
  async loadVerifier(flags, io) {
    const own = flags.depot !== undefined && (await isThere(path.join(flags.depot, 'keys')));
    const keyring = createKeyring(keyringLocation(flags.keyring, io.env, own ? flags.depot : undefined));
    if ((await keyring.list()).length === 0) {
      io.stderr.write(
        `the keyring ${keyring.location} is empty; \`fleet-depot keys add FILE\` adds the sender's key\n`,
      );
    }
    return createVerifier(keyring);
  },
});
