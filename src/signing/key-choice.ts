import { DepotError } from '../domain/errors.ts';
import { formatFingerprint } from './fingerprint.ts';
import { readKeyContent, shownSource, type FetchBytes } from './key-fetch.ts';
import type { Keyring } from './keyring.ts';
import type { PinnedKey } from './pinned-keys.ts';
import { readPublicKeys, type PublicKeyInfo } from './public-key.ts';

/**
 * Reads the keys of a file or https address. Throws DepotError KEY_INVALID, KEY_SECRET, KEY_FETCH_FAILED or
 * SIGNED_FILE_UNREADABLE.
 */
const readKeysFrom = async (from: string, fetchBytes: FetchBytes): Promise<readonly PublicKeyInfo[]> =>
  readPublicKeys(await readKeyContent(from, fetchBytes), shownSource(from));

/** The key with just this fingerprint, of all that a file has. Throws KEY_FINGERPRINT. */
export const chooseKey = (keys: readonly PublicKeyInfo[], expected: string, label: string): PublicKeyInfo => {
  const key = keys.find((one) => one.fingerprint === expected);
  if (key === undefined) {
    const found = keys.map((one) => formatFingerprint(one.fingerprint)).join(' and ');
    throw new DepotError('KEY_FINGERPRINT', { label, found, expected: formatFingerprint(expected) });
  }
  return key;
};

/** Throws KEY_UNUSABLE for a key that is expired, revoked or weak: nothing could be verified with it. */
export const refuseUnusable = (key: PublicKeyInfo, label: string): void => {
  if (key.state !== 'usable') {
    throw new DepotError('KEY_UNUSABLE', { label, reason: key.reason ?? key.state });
  }
};

/**
 * Adds a key that is usable, or what is new of one that is trusted already: above all that it was revoked, or how long
 * it lasts. Answers with the key as it is in the keyring then. Throws KEY_UNUSABLE.
 */
export const addChosenKey = async (
  keyring: Keyring,
  key: PublicKeyInfo,
  label: string,
): Promise<{ readonly key: PublicKeyInfo; readonly added: boolean }> => {
  const isKeyOf = (one: PublicKeyInfo): boolean => one.fingerprint === key.fingerprint;
  if (!(await keyring.list()).some(isKeyOf)) {
    refuseUnusable(key, label);
  }
  const { added } = await keyring.add(key);
  return { key: (await keyring.list()).find(isKeyOf) ?? key, added };
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
  const label = shownSource(source);
  const key = chooseKey(await readKeysFrom(source, fetchBytes), pinned.fingerprint, label);
  return addChosenKey(keyring, key, label);
};
