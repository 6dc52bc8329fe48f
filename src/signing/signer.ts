import { Readable } from 'node:stream';
import type { PrivateKey } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { keyCondition } from './key-condition.ts';
import { loadOpenpgp } from './openpgp.ts';
import type { Signer } from './signature.ts';
import { readSiteKey } from './site-key.ts';

/** A passphrase, or how to get it: it is only asked for where the key is locked. */
export type PassphraseGiver = string | undefined | (() => Promise<string | undefined>);

/**
 * Unlocks the private key of `keyFile`. Throws SITE_KEY_EXPOSED, SITE_KEY_INVALID (also for a revoked, expired or weak
 * key), or SITE_KEY_LOCKED where the passphrase is missing or wrong.
 */
export const createSigner = async (keyFile: string, passphrase: PassphraseGiver): Promise<Signer> => {
  const locked = await readSiteKey(keyFile);
  const condition = await keyCondition(locked, new Date());
  if (condition.state !== 'usable') {
    throw new DepotError('SITE_KEY_INVALID', { path: keyFile, reason: condition.reason ?? condition.state });
  }
  const key = locked.isDecrypted() ? locked : await unlock(locked, keyFile, passphrase);
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    publicKey: key.toPublic().armor(),
    sign: (data, made) => sign(key, data, made),
  };
};

/** The public key of a private key's file, armored, without unlocking it. */
export const readSitePublicKey = async (
  keyFile: string,
): Promise<{ readonly fingerprint: string; readonly publicKey: string }> => {
  const key = await readSiteKey(keyFile);
  return { fingerprint: key.getFingerprint().toUpperCase(), publicKey: key.toPublic().armor() };
};

const unlock = async (locked: PrivateKey, path: string, giver: PassphraseGiver): Promise<PrivateKey> => {
  const passphrase = typeof giver === 'function' ? await giver() : giver;
  if (passphrase === undefined) {
    throw new DepotError('SITE_KEY_LOCKED', { path, reason: 'the key has a passphrase, and none was given' });
  }
  if (passphrase === '') {
    throw new DepotError('SITE_KEY_LOCKED', {
      path,
      reason: 'the key has a passphrase, and the one that was given is empty',
    });
  }
  const openpgp = await loadOpenpgp();
  return openpgp.decryptKey({ privateKey: locked, passphrase }).catch((error: unknown) => {
    throw new DepotError('SITE_KEY_LOCKED', { path, reason: 'the passphrase is wrong' }, error);
  });
};

const sign = async (key: PrivateKey, data: Readable | Uint8Array, made?: Date): Promise<string> => {
  const openpgp = await loadOpenpgp();
  const binary = data instanceof Readable ? Readable.toWeb(data) : data;
  try {
    const message = await openpgp.createMessage({ binary: binary as Uint8Array });
    const options = {
      message,
      signingKeys: key,
      detached: true,
      ...(made === undefined ? {} : { date: await signingDate(key, made) }),
      config: {
        // Processors have instructions for it, and every check has the archive's SHA-256 made in any case: it costs a third.
        preferredHashAlgorithm: openpgp.enums.hash.sha256,
        ...(made === undefined ? {} : { nonDeterministicSignaturesViaNotation: false }),
      },
    } as const;
    if (!(data instanceof Readable)) {
      return await openpgp.sign({ ...options, format: 'armored' });
    }
    // Asked for armor, the library collects the whole file in memory. Asked for the object, it leaves it to us to let
    // the message flow, which its digest needs.
    const signature = await openpgp.sign({ ...options, format: 'object' });
    const flow = message.getLiteralData() as unknown as ReadableStream<Uint8Array>;
    const armored: unknown = signature.armor();
    const [text] = await Promise.all([collect(armored), flow.pipeTo(new WritableStream())]);
    return text;
  } catch (error) {
    throw new DepotError('SIGNING_FAILED', { label: 'data', reason: messageOf(error) }, error);
  } finally {
    if (data instanceof Readable) {
      data.destroy();
    }
  }
};

/** `made`, moved to where key and certifications stand already, so that no verifier finds a signature before its key. */
const signingDate = async (key: PrivateKey, made: Date): Promise<Date> => {
  const now = new Date();
  const { selfCertification } = await key.getPrimaryUser(now);
  const signing = await key.getSigningKey(undefined, now);
  const since = [
    made,
    key.getCreationTime(),
    selfCertification.created,
    signing.getCreationTime(),
    ...('bindingSignatures' in signing ? signing.bindingSignatures.map((one) => one.created) : []),
  ].filter((date) => date !== null);
  const latest = Math.max(...since.map((date) => date.getTime()));
  return new Date(Math.floor(Math.min(latest, now.getTime()) / 1000) * 1000);
};

// The library's stream allows a reader, but no `for await`.
const collect = async (armored: unknown): Promise<string> => {
  if (typeof armored === 'string') {
    return armored;
  }
  const reader = (armored as ReadableStream<string>).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return text;
    }
    text += value;
  }
};
