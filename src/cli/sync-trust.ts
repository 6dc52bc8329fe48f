import { dirname } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { readLockFile } from '../mirror/lock-file.ts';
import { addPinnedKey } from '../signing/key-choice.ts';
import type { ReadLock } from '../signing/verify-set.ts';
import { elasticKey } from '../signing/pinned-keys.ts';
import { fetchKeysWith } from './key-client.ts';
import type { KeyringOptions } from './keys.ts';
import { addKeyringOptions, openKeyring } from './keys.ts';
import type { SyncTrust } from './sync-run.ts';

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
    const { key } = await addPinnedKey(keyring, elasticKey, fetchKeysWith(client));
    io.stderr.write(`added Elastic's key ${key.fingerprint} to ${keyring.location}\n`);
    return await keyring.armoredKeys();
  },
};

/** Reads a folder's lock file for `verify`. Throws LOCK_INVALID. */
export const readLockedArchives = async (path: string): Promise<ReadLock> => {
  const lock = await readLockFile(path);
  if (!lock) {
    throw new DepotError('LOCK_INVALID', { file: path, reason: 'there is none' });
  }
  const archives = lock.packages.map(({ name, version, sha256, size, signer, original }) => ({
    file: `${name}-${version}.zip`,
    sha256,
    size,
    ...(signer === undefined ? {} : { signer }),
    ...(original === undefined ? {} : { original }),
  }));
  return { folder: dirname(path), archives };
};
