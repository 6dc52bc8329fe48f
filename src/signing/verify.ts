import { Readable } from 'node:stream';
import type { Key, SignaturePacket } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { hex, issuerOf, parseSignature } from './detached.ts';
import { checkDigest, type SignedData, type SigningKey, type Tools } from './digest-check.ts';
import { createKeyFacts } from './key-facts.ts';
import { uniteKeys } from './merge-keys.ts';
import { loadOpenpgp, type OpenpgpModule } from './openpgp.ts';
import { createPlainSignatures } from './plain-signature.ts';
import {
  expiredReason,
  type KeySource,
  type SignatureFault,
  type SignatureVerdict,
  type SignatureVerifier,
} from './signature.ts';

/** What a verifier may be told. */
export interface VerifierOptions {
  /** The clock; a test's own where it needs one. */
  readonly now?: () => Date;
  /**
   * `refuse` (the default) takes nothing from a key that has expired by now. `signed-before` takes what the key signed
   * while it was valid, as Kibana does.
   */
  readonly expiredKeys?: 'refuse' | 'signed-before';
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

const fault = (state: SignatureFault, reason: string, issuer?: string, until?: Date): SignatureVerdict => ({
  state,
  ...(issuer === undefined ? {} : { issuer }),
  reason,
  ...(until === undefined ? {} : { until }),
});

const judge = async (
  tools: Tools,
  { location }: KeySource,
  data: SignedData,
  armoredSignature: string,
  options: VerifierOptions,
): Promise<SignatureVerdict> => {
  if (armoredSignature.trim() === '') {
    return fault('missing', 'there is no signature');
  }
  const { openpgp, keys } = tools;
  const parsed = await parseSignature(openpgp, armoredSignature);
  if (!('packet' in parsed)) {
    return fault('malformed', parsed.problem);
  }
  const { packet } = parsed;
  const issuer = issuerOf(packet);
  const signer = findSigner(packet, keys);
  if (signer === undefined) {
    const keyring = location === undefined ? 'the keyring' : `the keyring ${location}`;
    return fault('unknown-key', `signed by ${issuer}, which is not in ${keyring}`, issuer);
  }
  const now = options.now?.() ?? new Date();
  const weakness = await findWeakness(tools, packet, signer, now);
  if (weakness !== undefined) {
    return fault('weak', weakness, issuer);
  }
  const misfit = findMisfit(openpgp, packet, signer);
  if (misfit !== undefined) {
    return fault('bad', misfit, issuer);
  }
  const failure = await checkDigest(tools, data, packet, signer, now);
  return conclude(tools, packet, signer, issuer, failure, now, options);
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

const findWeakness = async (
  { openpgp, facts }: Tools,
  packet: SignaturePacket,
  signer: SigningKey,
  now: Date,
): Promise<string | undefined> => {
  const { hash } = openpgp.enums;
  const weakHashes = new Map<number | null, string>([
    [hash.md5, 'MD5'],
    [hash.sha1, 'SHA-1'],
    [hash.ripemd, 'RIPEMD-160'],
  ]);
  const weakHash = weakHashes.get(packet.hashAlgorithm);
  if (weakHash !== undefined) {
    return `signed with ${weakHash}, which can be forged`;
  }
  if (packet.signatureType === openpgp.enums.signature.text) {
    return 'a signature over text, which ignores changed line ends; an archive needs a binary one';
  }
  for (const part of new Set([signer.primary, signer.part])) {
    const condition = await facts.condition(part, now);
    if (condition.state === 'weak') {
      return condition.reason;
    }
  }
  return undefined;
};

/** Issuer, embedded signature, issuer's fingerprint: what a signature may say without covering it (RFC 9580, 5.2.3.7). */
const unsignedFacts: readonly number[] = [16, 32, 33];

/**
 * What makes a signature impossible before anything is hashed. The type matters most: a standalone or timestamp
 * signature covers no data at all, so it would be "good" for every archive.
 */
const findMisfit = (
  openpgp: OpenpgpModule,
  packet: SignaturePacket,
  signer: SigningKey,
): string | undefined => {
  if (packet.signatureType !== openpgp.enums.signature.binary) {
    return `a signature of type ${String(packet.signatureType)} is none over a file`;
  }
  // An algorithm that the library doesn't know would leave a stream unread on one side, and in memory as a whole.
  if (!Object.values<unknown>(openpgp.enums.hash).includes(packet.hashAlgorithm)) {
    return `a signature with an unknown hash algorithm (${String(packet.hashAlgorithm)})`;
  }
  if (!packet.issuerKeyID.equals(signer.part.getKeyID())) {
    return 'the signature names two different keys';
  }
  if (packet.unhashedSubpackets.some(({ type, critical }) => critical && !unsignedFacts.includes(type))) {
    return 'the signature has a critical part that it does not cover';
  }
  // The library's types call the key's algorithm a name, but both are numbers.
  const used: unknown = packet.publicKeyAlgorithm;
  return used === signer.part.keyPacket.algorithm
    ? undefined
    : 'the signature is of another algorithm than its key';
};

// Everything that isn't told apart is bad, never good.
const conclude = async (
  { facts }: Tools,
  packet: SignaturePacket,
  signer: SigningKey,
  issuer: string,
  failure: string | undefined,
  now: Date,
  options: VerifierOptions,
): Promise<SignatureVerdict> => {
  const signedAt = packet.created ?? now;
  const ends: Date[] = [];
  const isOther = failure !== undefined && /digest|Signature verification failed/.test(failure);
  // What the key is worth comes before the content: a signature alone can be refused before its archive is fetched.
  for (const part of new Set([signer.primary, signer.part])) {
    const condition = await facts.condition(part, now);
    const tolerated =
      condition.state === 'expired' &&
      (failure === undefined || isOther) &&
      options.expiredKeys === 'signed-before';
    if (condition.state === 'revoked') {
      return fault('revoked-key', condition.reason ?? 'the key was revoked', issuer);
    }
    if (condition.state === 'invalid') {
      return fault('bad', condition.reason ?? 'the key is invalid', issuer, condition.until);
    }
    if (condition.state === 'expired' && !tolerated) {
      return fault(
        'expired-key',
        `${condition.reason ?? 'the key expired'} (signed on ${signedAt.toISOString()})`,
        issuer,
      );
    }
    ends.push(...(condition.until ? [condition.until] : []));
  }
  if (isOther) {
    return fault('bad', 'the content is not what was signed', issuer);
  }
  const end = packet.getExpirationTime();
  if (end instanceof Date && end <= now) {
    return fault('expired-signature', expiredReason(end), issuer);
  }
  if (signedAt > now) {
    return fault(
      'bad',
      `signed on ${signedAt.toISOString()}, which is in the future for this machine's clock (${now.toISOString()})`,
      issuer,
      signedAt,
    );
  }
  if (failure !== undefined) {
    return fault('bad', failure, issuer);
  }
  const expiresAt = end instanceof Date ? { expiresAt: end } : {};
  const [until] = [...ends, ...Object.values(expiresAt)].toSorted((a, b) => a.getTime() - b.getTime());
  return {
    state: 'good',
    fingerprint: signer.primary.getFingerprint().toUpperCase(),
    signedAt,
    ...expiresAt,
    ...(until ? { until } : {}),
  };
};
