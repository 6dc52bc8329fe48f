import type { SignaturePacket } from 'openpgp';
import { issuerOf } from './detached.ts';
import type { SigningKey, Tools } from './digest-check.ts';
import type { OpenpgpModule } from './openpgp.ts';
import type { SignatureVerdict } from './signature.ts';
import { faultOf } from './verdict.ts';

/** What speaks against a signature before anything is hashed: that it could be forged, or could never be one over a file. */
export const objectionTo = async (
  packet: SignaturePacket,
  signer: SigningKey,
  tools: Tools,
  now: Date,
): Promise<SignatureVerdict | undefined> => {
  const weakness = await findWeakness(tools, packet, signer, now);
  if (weakness !== undefined) {
    return faultOf('weak', weakness, issuerOf(packet));
  }
  const misfit = findMisfit(tools.openpgp, packet, signer);
  return misfit === undefined ? undefined : faultOf('bad', misfit, issuerOf(packet));
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
