import { digestOf } from '../files/digest.ts';
import type { Keyring } from './keyring.ts';

/** A keyring as it is now. Plain data. */
export interface KeyringState {
  /** Armored public keys. */
  readonly keys: readonly string[];
  /** Another one whenever a signature may be judged otherwise: a key came, went or changed, or one of its parts expired. */
  readonly tag: string;
}

/** Reads a keyring, as `list` does, and says in short what it is worth at `now`. */
export const readKeyringState = async (keyring: Keyring, now = new Date()): Promise<KeyringState> => {
  const keys = await keyring.list(now);
  const worth = keys.map(({ armored, state, subkeys }) => `${armored}${[state, ...subkeys].join('\n')}\n`);
  return { keys: keys.map(({ armored }) => armored), tag: digestOf(worth.join('')).slice(0, 16) };
};
