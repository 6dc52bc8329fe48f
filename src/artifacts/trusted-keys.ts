import { createHash } from 'node:crypto';
import type { KeyState, PublicKeyInfo } from '../signing/public-key.ts';

/** The keys that signatures are checked with. Expired and revoked ones are among them, so that a verdict can say so. */
export interface TrustedKeys {
  readonly armored: readonly string[];
  /** Changes whenever the set does, or one of them expires. */
  readonly stamp: string;
  /** How many can make a signature good. */
  readonly usable: number;
  /** Changes whenever this key does; undefined where no signature by it is good now. */
  stampOf(fingerprint: string): string | undefined;
}

/** A revocation counts wherever it is found; a prolonged key counts more than its old copy. */
const order: readonly KeyState[] = ['revoked', 'usable', 'expired', 'weak', 'invalid'];

/** Makes a set of what key files have, each key once. */
export const trustKeys = (keys: readonly PublicKeyInfo[]): TrustedKeys => {
  const byFingerprint = new Map<string, PublicKeyInfo>();
  for (const key of keys) {
    const other = byFingerprint.get(key.fingerprint);
    if (!other || order.indexOf(key.state) < order.indexOf(other.state)) {
      byFingerprint.set(key.fingerprint, key);
    }
  }
  const stamps = new Map([...byFingerprint].map(([fingerprint, key]) => [fingerprint, keyStamp(key)]));
  return {
    armored: [...byFingerprint.values()].map(({ armored }) => armored),
    stamp: hash([...stamps.values()].toSorted().join('\n')),
    usable: [...byFingerprint.values()].filter(({ state }) => state === 'usable').length,
    stampOf: (fingerprint) =>
      byFingerprint.get(fingerprint)?.state === 'usable' ? stamps.get(fingerprint) : undefined,
  };
};

const keyStamp = ({ state, armored }: PublicKeyInfo): string => hash(`${state}\n${armored}`);

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22);
