import { isWebPage } from '../../artifacts/file-magic.ts';
import { DepotError } from '../../domain/errors.ts';
import { formatFingerprint } from '../../signing/fingerprint.ts';
import { refuseUnusable } from '../../signing/key-choice.ts';
import { pinnedKeys } from '../../signing/pinned-keys.ts';
import { readPublicKeys, uniteInfos, type PublicKeyInfo } from '../../signing/public-key.ts';
import type { SortedKeys } from '../../signing/sorted-keys.ts';

/**
 * Whether a key vouches for artifacts: one of the keyring, or one of `keys:`, which the keyring may not know, but must not know as
 * ended.
 */
export const vouches = ({ usable, unusable }: SortedKeys, fingerprint: string, isOfKeys: boolean): boolean =>
  usable.has(fingerprint) || (isOfKeys && !unusable.has(fingerprint));

/** Which keys may be served, and what is verified with. */
export interface KeyTrust {
  /** Armored keys to verify with: those of the keyring and those of `keys:`, also where one says that it has ended. */
  armored(): readonly string[];
  /** Fingerprints of the keys of `keys:` that were accepted. */
  accepted(): ReadonlySet<string>;
  /** Fingerprints of keys that have ended by what keyring and `keys:` say together. */
  ended(): ReadonlySet<string>;
  /**
   * Judges the content of a key file and trusts its keys. Agents trust what is served as a key, so each of its keys has to
   * be one whose fingerprint is known: by the definition, where it pins this file; else by the keyring or the built-in
   * table. Throws DepotError KEY_INVALID, KEY_SECRET, KEY_FINGERPRINT, KEY_UNPINNED or KEY_UNUSABLE.
   */
  accept(name: string, content: Uint8Array, label: string): Promise<readonly string[]>;
}

/** `keyring` are armored keys; `pins` the definition's fingerprints by file name. */
export const createKeyTrust = (
  keyring: readonly string[],
  pins: Readonly<Record<string, readonly string[]>>,
): KeyTrust => {
  /** What the keyring and the files so far say together of each key of the files. */
  const ofFiles = new Map<string, PublicKeyInfo>();
  const accepted = new Set<string>();
  let known: Promise<readonly PublicKeyInfo[]> | undefined;
  const readKnown = async (): Promise<readonly PublicKeyInfo[]> =>
    (await Promise.all(keyring.map((key) => readPublicKeys(Buffer.from(key), 'keyring')))).flat();
  const isEnded = (fingerprint: string): boolean => {
    const state = ofFiles.get(fingerprint)?.state;
    return state !== undefined && state !== 'usable';
  };
  return {
    armored: () => [...keyring, ...[...ofFiles.values()].map(({ armored }) => armored)],
    accepted: () => new Set([...accepted].filter((one) => !isEnded(one))),
    ended: () => new Set([...ofFiles.keys()].filter(isEnded)),
    accept: async (name, content, label) => {
      const keys = await readArmored(content, label);
      const pinned = pins[name];
      known ??= readKnown();
      const trusted = await known;
      const allowed = new Set(pinned ?? [...pinnedKeys, ...trusted].map(({ fingerprint }) => fingerprint));
      for (const { fingerprint } of keys) {
        if (allowed.has(fingerprint)) {
          continue;
        }
        const found = formatFingerprint(fingerprint);
        throw pinned === undefined
          ? new DepotError('KEY_UNPINNED', { label, found })
          : new DepotError('KEY_FINGERPRINT', {
              label,
              found,
              expected: pinned.map(formatFingerprint).join(' or '),
            });
      }
      for (const key of keys) {
        const others = [...trusted, ...ofFiles.values()].filter((one) => one.fingerprint === key.fingerprint);
        const [whole = key] = await uniteInfos([...others, key]);
        ofFiles.set(key.fingerprint, whole);
        // Agents know the file alone; but whoever else knows of a revocation is right as well.
        refuseUnusable(key, label);
        refuseUnusable(whole, label);
        accepted.add(key.fingerprint);
      }
      return keys.map(({ fingerprint }) => fingerprint);
    },
  };
};

const readArmored = async (content: Uint8Array, label: string): Promise<readonly PublicKeyInfo[]> => {
  const refuse = (reason: string): DepotError => new DepotError('KEY_INVALID', { label, reason });
  if (isWebPage(content)) {
    throw refuse('what came is a web page, not a key');
  }
  const keys = await readPublicKeys(content, label);
  if (!Buffer.from(content).toString('latin1').includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
    throw refuse('it is a binary key; agents and fleet-server want ASCII armor');
  }
  return keys;
};

/** Whether an artifact is only good with its signature: agents verify archives; packages for people carry their own. */
export const isSignatureNeeded = (
  path: string,
  { requireSignature }: { readonly requireSignature: boolean },
): boolean => requireSignature && !/\.(?:deb|rpm|msi)(?:\.asc)?$/.test(path);
