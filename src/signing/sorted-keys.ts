import { readPublicKeys, uniteInfos } from './public-key.ts';

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
