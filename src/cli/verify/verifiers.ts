import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SignatureVerifier } from '../../signing/signature.ts';
import { createVerifier } from '../../signing/verifier.ts';
import { openKeyring } from '../keyring-options.ts';
import type { CommandIo } from '../verb.ts';
import type { VerifyOptions } from './deps.ts';

/** Gives the verifier of the keyring that is named; else of a depot's own, where it has one; else of the user's. */
export const createVerifiers = (
  options: VerifyOptions,
  io: CommandIo,
): ((depot: string | undefined) => Promise<SignatureVerifier>) => {
  const opened = new Map<string, SignatureVerifier>();
  return async (depot) => {
    const own = depot !== undefined && (await stat(join(depot, 'keys')).catch(() => undefined)) !== undefined;
    const keyring = openKeyring({ ...(own ? { depot } : {}), ...options }, io);
    const known = opened.get(keyring.location);
    if (known) {
      return known;
    }
    if (options.signatures && (await keyring.list()).length === 0) {
      io.stderr.write(
        `the keyring ${keyring.location} is empty; \`fleet-depot keys add elastic\` adds Elastic's key\n`,
      );
    }
    const verifier = createVerifier(
      keyring,
      options.acceptExpiredKeys === true ? { expiredKeys: 'signed-before' } : {},
    );
    opened.set(keyring.location, verifier);
    return verifier;
  };
};
