import type { Key } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { keyCondition, wholeCondition, type KeyState } from './key-condition.ts';
import { uniteKeys } from './merge-keys.ts';
import { loadOpenpgp } from './openpgp.ts';

/** A public key, described. Plain data. */
export interface PublicKeyInfo {
  /** Upper-case hex digits without spaces. */
  readonly fingerprint: string;
  readonly userIds: readonly string[];
  /** For people: "RSA 4096", "Ed25519". */
  readonly algorithm: string;
  readonly createdAt: Date;
  readonly expiresAt?: Date;
  readonly state: KeyState;
  /** Why `state` isn't `usable`. */
  readonly reason?: string;
  /** What each of its subkeys is worth, in the order of the key. */
  readonly subkeys: readonly KeyState[];
  /** This one key, armored, without anything else that its file had. */
  readonly armored: string;
}

/** A file of keys has at most so many bytes: Elastic's key has 1.7 KB, a key with many certifications some 100 KB. */
export const maxKeyFileBytes = 1024 * 1024;

/**
 * Reads every public key of a file, armored (several blocks are fine, as in the files that elastic-package takes) or
 * binary; copies of the same key count together, so that a revocation in one of them does. Throws DepotError KEY_SECRET where there is a private key, KEY_INVALID where there is no key at all.
 */
export const readPublicKeys = async (
  content: Uint8Array,
  label: string,
  now = new Date(),
): Promise<PublicKeyInfo[]> => {
  if (content.byteLength > maxKeyFileBytes) {
    throw new DepotError('KEY_INVALID', {
      label,
      reason: `more than ${maxKeyFileBytes} bytes is no file of keys`,
    });
  }
  const keys = await parseKeys(content, label);
  if (keys.some((key) => key.isPrivate())) {
    throw new DepotError('KEY_SECRET', { label });
  }
  return Promise.all((await uniteKeys(keys)).map((key) => describeKey(key, now)));
};

/** Each key once, of several files: copies of it count together, so that a revocation in one of them does. */
export const uniteInfos = async (infos: readonly PublicKeyInfo[]): Promise<readonly PublicKeyInfo[]> => {
  const { readKey } = await loadOpenpgp();
  const united = new Map<string, PublicKeyInfo>();
  for (const info of infos) {
    const known = united.get(info.fingerprint);
    if (known && known.armored !== info.armored) {
      const copies = [known, info].map(({ armored }) => readKey({ armoredKey: armored }));
      const [whole] = await uniteKeys(await Promise.all(copies));
      united.set(info.fingerprint, whole ? await describeKey(whole, new Date()) : known);
    } else {
      united.set(info.fingerprint, known ?? info);
    }
  }
  return [...united.values()];
};

const parseKeys = async (content: Uint8Array, label: string): Promise<Key[]> => {
  const openpgp = await loadOpenpgp();
  const text = Buffer.from(content).toString('latin1');
  try {
    const blocks = text.match(
      /-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----[^]*?-----END PGP \1 KEY BLOCK-----/g,
    );
    if (blocks !== null) {
      const found: Key[] = [];
      for (const block of blocks) {
        found.push(...(await openpgp.readKeys({ armoredKeys: block })));
      }
      return found;
    }
    if (content.byteLength === 0 || text.includes('-----BEGIN') || (content[0] ?? 0) < 0x80) {
      throw new DepotError('KEY_INVALID', { label, reason: 'there is no OpenPGP public key in it' });
    }
    return await openpgp.readKeys({ binaryKeys: content });
  } catch (error) {
    throw error instanceof DepotError
      ? error
      : new DepotError(
          'KEY_INVALID',
          { label, reason: `not a readable OpenPGP key: ${messageOf(error)}` },
          error,
        );
  }
};

/** Describes a key as it is at `now`. */
const describeKey = async (key: Key, now: Date): Promise<PublicKeyInfo> => {
  const expiry = await key.getExpirationTime().catch(() => null);
  const condition = await wholeCondition(key, now);
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    userIds: await ownUserIds(key, now),
    algorithm: algorithmName(key),
    createdAt: key.getCreationTime(),
    ...(expiry instanceof Date ? { expiresAt: expiry } : {}),
    state: condition.state,
    ...(condition.reason === undefined ? {} : { reason: condition.reason }),
    subkeys: await Promise.all(key.subkeys.map(async (one) => (await keyCondition(one, now)).state)),
    armored: key.toPublic().armor(),
  };
};

/** The names that the key itself has signed: anybody can write another one into its file. Where it signed none, all. */
const ownUserIds = async (key: Key, now: Date): Promise<string[]> => {
  const own: string[] = [];
  for (const user of key.users) {
    const isOwn = await user.verify(now).catch(() => false);
    if (isOwn && user.userID !== null) {
      own.push(user.userID.userID);
    }
  }
  return own.length > 0 ? own : key.getUserIDs();
};

const algorithmName = (key: Key): string => {
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  if (algorithm.startsWith('rsa')) {
    return `RSA ${bits ?? ''}`.trim();
  }
  return algorithm.startsWith('ed')
    ? algorithm.replace(/^e/, 'E').replace('EddsaLegacy', 'Ed25519')
    : [algorithm.toUpperCase(), curve].filter(Boolean).join(' ');
};
