import type { Key, Subkey } from 'openpgp';
import { messageOf } from '../domain/errors.ts';
import { loadOpenpgp } from './openpgp.ts';

/** `expired`, `revoked` and `weak` keys can be listed and removed, but nothing that they signed is good. */
export type KeyState = 'usable' | 'expired' | 'revoked' | 'weak' | 'invalid';

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

/** RSA of fewer bits vouches for nothing. */
export const minRSABits = 2048;

/** The same of a key with all its parts: one with no part that could ever sign vouches for nothing. */
export const wholeCondition = async (key: Key, now: Date): Promise<KeyCondition> => {
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
