import { open } from 'node:fs/promises';
import { DepotError, messageOf } from '../domain/errors.ts';
import type { FetchBytes } from './key-fetch.ts';
import type { Keyring } from './keyring.ts';
import type { PinnedKey } from './pinned-keys.ts';
import { formatFingerprint, maxKeyFileBytes, readPublicKeys, type PublicKeyInfo } from './public-key.ts';

/**
 * Reads the keys of a file or https address. Throws DepotError KEY_INVALID, KEY_SECRET, KEY_FETCH_FAILED or
 * SIGNED_FILE_UNREADABLE.
 */
export const readKeysFrom = async (
  from: string,
  fetchBytes: FetchBytes,
): Promise<readonly PublicKeyInfo[]> => {
  const content = /^https?:\/\//i.test(from)
    ? await fetchBytes(from, maxKeyFileBytes)
    : await readKeyFile(from);
  return readPublicKeys(content, from);
};

/** The key with just this fingerprint, of all that a file has. Throws KEY_FINGERPRINT, and KEY_INVALID for one that is weak, revoked or expired. */
export const chooseKey = (keys: readonly PublicKeyInfo[], expected: string, label: string): PublicKeyInfo => {
  const key = keys.find((one) => one.fingerprint === expected);
  if (key === undefined) {
    const found = keys.map((one) => formatFingerprint(one.fingerprint)).join(' and ');
    throw new DepotError('KEY_FINGERPRINT', { label, found, expected: formatFingerprint(expected) });
  }
  refuseUnusable(key, label);
  return key;
};

/** Throws KEY_INVALID for a key that nothing could be verified with. */
export const refuseUnusable = (key: PublicKeyInfo, label: string): void => {
  if (key.state !== 'usable') {
    throw new DepotError('KEY_INVALID', {
      label,
      reason: `${key.reason ?? key.state}, so nothing that it signed would be good`,
    });
  }
};

/**
 * Puts a pinned key into the keyring, from a file or from its public address, only if the fingerprint agrees. Without
 * `from` nothing is fetched where the key is there already. `sync` calls this by itself.
 */
export const addPinnedKey = async (
  keyring: Keyring,
  pinned: PinnedKey,
  fetchBytes: FetchBytes,
  from?: string,
): Promise<{ readonly key: PublicKeyInfo; readonly added: boolean }> => {
  const present = (await keyring.list()).find((key) => key.fingerprint === pinned.fingerprint);
  if (present !== undefined && from === undefined) {
    return { key: present, added: false };
  }
  const source = from ?? pinned.url;
  const key = chooseKey(await readKeysFrom(source, fetchBytes), pinned.fingerprint, source);
  return { key, ...(await keyring.add(key)) };
};

const readKeyFile = async (path: string): Promise<Uint8Array> => {
  try {
    const handle = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(maxKeyFileBytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) {
          return buffer.subarray(0, length);
        }
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DepotError('SIGNED_FILE_UNREADABLE', { path, reason: messageOf(error) }, error);
  }
};
