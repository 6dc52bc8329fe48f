import { createHash } from 'node:crypto';
import { uniteInfos, type PublicKeyInfo } from '../signing/public-key.ts';

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

/** Trusts nothing. */
export const noKeys: TrustedKeys = { armored: [], stamp: '', usable: 0, stampOf: () => undefined };

/** Makes a set of what key files have, each key once: what its copies say counts together. */
export const trustKeys = async (keys: readonly PublicKeyInfo[]): Promise<TrustedKeys> => {
  const byFingerprint = new Map((await uniteInfos(keys)).map((key) => [key.fingerprint, key]));
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
