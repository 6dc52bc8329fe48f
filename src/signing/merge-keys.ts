import type { Key } from 'openpgp';
import { loadOpenpgp } from './openpgp.ts';

/**
 * What two files of the same key say together, armored: user ids, expiries and, above all, revocations of both. An old
 * file can't bring a revoked key back to life.
 */
export const mergeKeys = async (present: string, newer: string): Promise<string> => {
  const openpgp = await loadOpenpgp();
  const [known, added] = await Promise.all(
    [present, newer].map((armoredKey) => openpgp.readKey({ armoredKey })),
  );
  return known === undefined || added === undefined ? newer : (await mergeCopies(known, added)).armor();
};

/** Each key once, where it came first: copies of it count together, as in `mergeKeys`. */
export const uniteKeys = async (keys: readonly Key[]): Promise<readonly Key[]> => {
  const byFingerprint = new Map<string, Key>();
  for (const key of keys) {
    const fingerprint = key.getFingerprint();
    const known = byFingerprint.get(fingerprint);
    byFingerprint.set(fingerprint, known ? await mergeCopies(known, key) : key);
  }
  return [...byFingerprint.values()];
};

const mergeCopies = async (known: Key, added: Key): Promise<Key> => {
  if (Buffer.from(known.write()).equals(added.write())) {
    return known;
  }
  const openpgp = await loadOpenpgp();
  // openpgp 6 takes the first revocation unseen and then none any more, so that a forged one could keep out the true.
  const revocations = [...(await ownRevocations(known)), ...(await ownRevocations(added))];
  const distinct = new Map(revocations.map((one) => [Buffer.from(one.write()).toString('base64'), one]));
  [known.revocationSignatures, added.revocationSignatures] = [[], []];
  const merged = await known.toPublic().update(added.toPublic());
  merged.revocationSignatures = [...distinct.values()];
  return openpgp.readKey({ binaryKey: merged.write() });
};

/** The revocations of a key that the key itself has signed. */
const ownRevocations = async (key: Key): Promise<Key['revocationSignatures']> => {
  const openpgp = await loadOpenpgp();
  const own: Key['revocationSignatures'] = [];
  for (const one of key.revocationSignatures) {
    const probe = await openpgp.readKey({ binaryKey: key.toPublic().write() });
    probe.revocationSignatures = [one];
    if (await probe.isRevoked()) {
      own.push(one);
    }
  }
  return own;
};
