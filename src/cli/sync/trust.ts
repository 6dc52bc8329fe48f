import { addPinnedKey } from '../../signing/key-choice.ts';
import { elasticKey } from '../../signing/pinned-keys.ts';
import { addKeyringOptions, openKeyring, type KeyringOptions } from '../keyring-options.ts';
import { fetchKeysWith } from '../keys/client.ts';
import type { SyncTrust } from './run.ts';

/** The keyring; an empty one gets Elastic's key the first time, by its pinned fingerprint, through the same proxy. */
export const keyringTrust: SyncTrust = {
  addOptions: (command) => void addKeyringOptions(command),
  knownKeys: (options: KeyringOptions, io) => openKeyring(options, io).armoredKeys(),
  async armoredKeys(options: KeyringOptions, io, client) {
    const keyring = openKeyring(options, io);
    const known = await keyring.armoredKeys();
    if (known.length > 0) {
      return known;
    }
    const { key } = await addPinnedKey(keyring, elasticKey, fetchKeysWith(client, io.signal));
    io.stderr.write(`added Elastic's key ${key.fingerprint} to ${keyring.location}\n`);
    return await keyring.armoredKeys();
  },
};
