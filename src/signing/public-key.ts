import type { Key, Subkey } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { uniteKeys } from './merge-keys.ts';
import { loadOpenpgp } from './openpgp.ts';

/** `expired`, `revoked` and `weak` keys can be listed and removed, but nothing that they signed is good. */
export type KeyState = 'usable' | 'expired' | 'revoked' | 'weak' | 'invalid';

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
 * Reads a fingerprint as people write it: any case, with or without spaces, colons or `0x`. Undefined where it isn't
 * a full one (40 digits, or 64 for version 6): a key id of 8 or 16 digits can be forged and is never enough.
 */
export const parseFingerprint = (text: string): string | undefined => {
  const digits = text.trim().replace(/^0x/i, '').replace(/[\s:]/g, '').toUpperCase();
  return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits) ? digits : undefined;
};

/** A fingerprint in groups of four, so that people can compare it. */
export const formatFingerprint = (fingerprint: string): string => fingerprint.replace(/(.{4})(?!$)/g, '$1 ');

/** The fingerprints of keys by what they are worth today. */
export interface SortedKeys {
  readonly usable: ReadonlySet<string>;
  /** Revoked, expired or weak. */
  readonly unusable: ReadonlySet<string>;
}

/** Sorts armored keys when it is first asked, and once. Throws as `readPublicKeys`. */
export const sortKeysLater = (armoredKeys: readonly string[]): (() => Promise<SortedKeys>) => {
  let sorted: Promise<SortedKeys> | undefined;
  return () => (sorted ??= sortKeys(armoredKeys));
};

const sortKeys = async (armoredKeys: readonly string[]): Promise<SortedKeys> => {
  const keys = await Promise.all(
    armoredKeys.map((armored) => readPublicKeys(Buffer.from(armored), 'keyring')),
  );
  const usable = new Set<string>();
  const unusable = new Set<string>();
  for (const { state, fingerprint } of await uniteInfos(keys.flat())) {
    (state === 'usable' ? usable : unusable).add(fingerprint);
  }
  return { usable, unusable };
};

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
export const uniteInfos = async (
  infos: readonly PublicKeyInfo[],
  now = new Date(),
): Promise<readonly PublicKeyInfo[]> => {
  const { readKey } = await loadOpenpgp();
  const united = new Map<string, PublicKeyInfo>();
  for (const info of infos) {
    const known = united.get(info.fingerprint);
    if (known && known.armored !== info.armored) {
      const copies = [known, info].map(({ armored }) => readKey({ armoredKey: armored }));
      const [whole] = await uniteKeys(await Promise.all(copies));
      united.set(info.fingerprint, whole ? await describeKey(whole, now) : known);
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
export const describeKey = async (key: Key, now: Date): Promise<PublicKeyInfo> => {
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

/** State of a key with all its parts: one with no part that could ever sign vouches for nothing. */
const wholeCondition = async (key: Key, now: Date): Promise<KeyCondition> => {
  const condition = await keyCondition(key, now);
  if (condition.state !== 'usable') {
    return condition;
  }
  const { config } = await loadOpenpgp();
  // Whatever the date: a subkey that has expired is told where it signed.
  const whenever = null as never;
  for (const part of [key, ...key.subkeys]) {
    const signs = key.getSigningKey(part.getKeyID(), whenever, undefined, { ...config, minRSABits });
    if (
      await signs.then(
        () => true,
        () => false,
      )
    ) {
      return condition;
    }
  }
  const name = key.getFingerprint().toUpperCase();
  return { state: 'invalid', reason: `key ${name} has no part that may sign and is strong enough` };
};

/** What a key or subkey is worth at a time. */
export interface KeyCondition {
  readonly state: KeyState;
  /** Why `state` isn't `usable`. */
  readonly reason?: string;
  /** When it becomes another one by itself: the end of a usable key, the beginning of one that isn't there yet. */
  readonly until?: Date;
}

/** State of a key or subkey at `now`; revoked outranks weak, weak outranks expired. */
export const keyCondition = async (key: Key | Subkey, now: Date): Promise<KeyCondition> => {
  const name = key.getFingerprint().toUpperCase();
  if (await isRevoked(key)) {
    return { state: 'revoked', reason: `key ${name} was revoked` };
  }
  const weakness = keyWeakness(key);
  if (weakness !== undefined) {
    return { state: 'weak', reason: `key ${name} is ${weakness}` };
  }
  const misfit = keyMisfit(key);
  if (misfit !== undefined) {
    return { state: 'invalid', reason: `key ${name} is ${misfit}` };
  }
  const created = key.getCreationTime();
  if (created > now) {
    const when = `of ${created.toISOString()}, which is in the future for this machine's clock`;
    return { state: 'invalid', reason: `key ${name} is ${when}`, until: created };
  }
  const expiry = await ('mainKey' in key ? key.getExpirationTime(now) : key.getExpirationTime()).catch(
    () => null,
  );
  if (expiry instanceof Date && expiry <= now) {
    return { state: 'expired', reason: `key ${name} expired on ${expiry.toISOString()}` };
  }
  if (expiry === null) {
    const why = 'mainKey' in key ? key.verify(now) : key.verifyPrimaryKey(now);
    const detail = await why.then(() => 'none was found', messageOf);
    return { state: 'invalid', reason: `key ${name} has no valid signature of its own (${detail})` };
  }
  return { state: 'usable', ...(expiry instanceof Date ? { until: expiry } : {}) };
};

/**
 * Whatever date a revocation has: one that is dated ahead comes from a clock that isn't this one's, and who revokes a key
 * means it. gpg and the library in Kibana do the same.
 */
const isRevoked = async (key: Key | Subkey): Promise<boolean> => {
  const whenever = null as never;
  // A primary key takes no arguments; a subkey's revocations are checked by it with its main key.
  return 'mainKey' in key
    ? key.isRevoked(null as never, null as never, whenever).catch(() => false)
    : key.isRevoked(undefined, undefined, whenever);
};

const minRSABits = 2048;

/** What makes a key too weak to be trusted, or undefined. */
const keyWeakness = (key: Key | Subkey): string | undefined => {
  const { algorithm, bits } = key.getAlgorithmInfo();
  if (algorithm.startsWith('rsa')) {
    return (bits ?? 0) < minRSABits ? `RSA with only ${bits ?? 0} bits` : undefined;
  }
  return algorithm === 'dsa' || algorithm === 'elgamal'
    ? `a ${algorithm.toUpperCase()} key, which is outdated`
    : undefined;
};

const readableCurves: ReadonlySet<string> = new Set([
  'nistP256',
  'nistP384',
  'nistP521',
  'ed25519Legacy',
  'curve25519Legacy',
]);

/** What makes a key one whose signatures could never be good here, or undefined. */
const keyMisfit = (key: Key | Subkey): string | undefined => {
  if (key.keyPacket.version !== 4) {
    return `of version ${key.keyPacket.version}, whose signatures neither Kibana nor GnuPG 2.2 can read`;
  }
  const { algorithm, curve } = key.getAlgorithmInfo();
  if (algorithm === 'ed448') {
    return 'of Ed448, whose signatures neither Kibana nor GnuPG 2.2 can read';
  }
  return curve === undefined || readableCurves.has(curve)
    ? undefined
    : `of the curve ${curve}, whose signatures can't be checked; RSA, Ed25519 and the NIST curves can`;
};

const algorithmName = (key: Key | Subkey): string => {
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  if (algorithm.startsWith('rsa')) {
    return `RSA ${bits ?? ''}`.trim();
  }
  return algorithm.startsWith('ed')
    ? algorithm.replace(/^e/, 'E').replace('EddsaLegacy', 'Ed25519')
    : [algorithm.toUpperCase(), curve].filter(Boolean).join(' ');
};
