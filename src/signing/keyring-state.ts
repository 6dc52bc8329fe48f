import { createHash } from 'node:crypto';
import type { Keyring } from './keyring.ts';
import { loadOpenpgp } from './openpgp.ts';
import { keyCondition } from './public-key.ts';

/** A keyring as it is now. Plain data. */
export interface KeyringState {
  /** Armored public keys. */
  readonly keys: readonly string[];
  /** Another one whenever a signature may be judged otherwise: a key came, went or changed, or one of its parts expired. */
  readonly tag: string;
}

/** Reads a keyring, as `list` does, and says in short what it is worth at `now`. */
export const readKeyringState = async (keyring: Keyring, now = new Date()): Promise<KeyringState> => {
  const openpgp = await loadOpenpgp();
  const keys = await keyring.armoredKeys();
  const hash = createHash('sha256');
  for (const armoredKey of keys) {
    hash.update(armoredKey);
    const key = await openpgp.readKey({ armoredKey });
    for (const part of [key, ...key.subkeys]) {
      hash.update(`${(await keyCondition(part, now)).state}\n`);
    }
  }
  return { keys, tag: hash.digest('hex').slice(0, 16) };
};
