import { Readable } from 'node:stream';
import type { Key, SignaturePacket } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { hex, issuerOf, parseSignature } from './detached.ts';
import { checkDigest, type SignedData, type SigningKey, type Tools } from './digest-check.ts';
import { createKeyFacts } from './key-facts.ts';
import { uniteKeys } from './merge-keys.ts';
import { objectionTo } from './objection.ts';
import { loadOpenpgp } from './openpgp.ts';
import { createPlainSignatures } from './plain-signature.ts';
import type { KeySource, SignatureVerdict, SignatureVerifier } from './signature.ts';
import { concludeOn, faultOf, type ExpiredKeys } from './verdict.ts';

/** What a verifier may be told. */
export interface VerifierOptions {
  /** The clock; a test's own where it needs one. */
  readonly now?: () => Date;
  /** `refuse` if nothing is said. */
  readonly expiredKeys?: ExpiredKeys;
}

/** A fixed set of armored public keys, for worker threads and tests. */
export const fixedKeys = (armored: readonly string[], location?: string): KeySource => ({
  armoredKeys: () => Promise.resolve(armored),
  ...(location === undefined ? {} : { location }),
});

/**
 * Makes a verifier that trusts the keys of `source`, which are read once, at the first check. A keyring that changed
 * needs a new verifier.
 */
export const createVerifier = (source: KeySource, options: VerifierOptions = {}): SignatureVerifier => {
  let loading: Promise<Tools> | undefined;
  const load = (): Promise<Tools> => {
    loading ??= loadTools(source).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    async verify(data, armoredSignature) {
      try {
        return await judge(await load(), source, data, armoredSignature, options);
      } finally {
        if (data instanceof Readable) {
          data.destroy();
        }
      }
    },
  };
};

const loadTools = async (source: KeySource): Promise<Tools> => {
  const armored = await source.armoredKeys();
  const openpgp = await loadOpenpgp();
  try {
    const keys = await uniteKeys(
      await Promise.all(armored.map((armoredKey) => openpgp.readKey({ armoredKey }))),
    );
    const facts = createKeyFacts();
    return { openpgp, keys, facts, plain: createPlainSignatures(openpgp, facts) };
  } catch (error) {
    throw new DepotError('KEY_INVALID', { label: 'keyring', reason: messageOf(error) }, error);
  }
};

const judge = async (
  tools: Tools,
  { location }: KeySource,
  data: SignedData,
  armoredSignature: string,
  options: VerifierOptions,
): Promise<SignatureVerdict> => {
  if (armoredSignature.trim() === '') {
    return faultOf('missing', 'there is no signature');
  }
  const { openpgp, keys } = tools;
  const parsed = await parseSignature(openpgp, armoredSignature);
  if (!('packet' in parsed)) {
    return faultOf('malformed', parsed.problem);
  }
  const { packet } = parsed;
  const signer = findSigner(packet, keys);
  if (signer === undefined) {
    const issuer = issuerOf(packet);
    const keyring = location === undefined ? 'the keyring' : `the keyring ${location}`;
    return faultOf('unknown-key', `signed by ${issuer}, which is not in ${keyring}`, issuer);
  }
  const now = options.now?.() ?? new Date();
  const objection = await objectionTo(packet, signer, tools, now);
  if (objection !== undefined) {
    return objection;
  }
  const failure = await checkDigest(tools, data, packet, signer, now);
  return concludeOn({ packet, signer, failure }, tools.facts, now, options.expiredKeys);
};

// By fingerprint where the signature has one: a key id alone can be forged.
const findSigner = (packet: SignaturePacket, keys: readonly Key[]): SigningKey | undefined => {
  for (const primary of keys) {
    for (const part of [primary, ...primary.subkeys]) {
      const named =
        packet.issuerFingerprint === null
          ? part.getKeyID().equals(packet.issuerKeyID)
          : part.getFingerprint().toUpperCase() === hex(packet.issuerFingerprint);
      if (named) {
        return { primary, part };
      }
    }
  }
  return undefined;
};
