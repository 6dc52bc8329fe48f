import type { Signature, SignaturePacket } from 'openpgp';
import { messageOf } from '../domain/errors.ts';
import { readArmor } from './armor.ts';
import { loadOpenpgp, type OpenpgpModule } from './openpgp.ts';
import { readPlainPacket } from './plain-packet.ts';
import { maxSignatureBytes } from './signature.ts';

/**
 * Who made a signature, by its own unproven word: a fingerprint, or a key id of 16 digits. Undefined where the text
 * is no armored detached signature. Cheap: nothing is hashed.
 */
export const readIssuer = async (armoredSignature: string): Promise<string | undefined> => {
  const parsed = await parseSignature(await loadOpenpgp(), armoredSignature);
  return 'packet' in parsed ? issuerOf(parsed.packet) : undefined;
};

/** A detached signature, reduced to the packet that decides, or why there is none. */
export type ParsedSignature = { readonly packet: SignaturePacket } | { readonly problem: string };

/** The first packet of the first armor decides, whatever follows: so does Kibana, which reads `signatures[0]` alone. */
export const parseSignature = async (openpgp: OpenpgpModule, armored: string): Promise<ParsedSignature> => {
  if (armored.length > maxSignatureBytes) {
    return { problem: `a signature of ${armored.length} bytes is none` };
  }
  const armor = readArmor(armored);
  if ('problem' in armor) {
    return armor;
  }
  if (armor.problemOfGpg !== undefined) {
    return { problem: armor.problemOfGpg };
  }
  try {
    const packet =
      readOnePacket(openpgp, armor.content) ??
      (await openpgp.readSignature({ binarySignature: new Uint8Array(armor.content) })).packets[0];
    if (
      packet === undefined ||
      packet.signatureType === undefined ||
      packet.created === null ||
      packet.hashAlgorithm === null
    ) {
      return { problem: 'the armor has no signature that can be read' };
    }
    if (packet.version !== 4) {
      return {
        problem: `a signature of version ${packet.version}, which neither Kibana nor GnuPG 2.2 can read`,
      };
    }
    return { packet };
  } catch (error) {
    return { problem: `its packets can't be read: ${messageOf(error)}` };
  }
};

/** The library reads packets as streams, which takes five times as long as their content. */
const readOnePacket = (openpgp: OpenpgpModule, content: Buffer): SignaturePacket | undefined => {
  const body = readPlainPacket(content);
  if (!body) {
    return undefined;
  }
  const packet = new openpgp.SignaturePacket();
  try {
    packet.read(new Uint8Array(body));
    return packet;
  } catch {
    return undefined;
  }
};

/** The packet as the library verifies it. */
export const signatureOf = (openpgp: OpenpgpModule, packet: SignaturePacket): Signature => {
  const packets = new openpgp.PacketList<SignaturePacket>();
  packets.push(packet);
  return new openpgp.Signature(packets);
};

/** Bytes as upper-case hex digits. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

/** The issuer as the signature names it, by its own unproven word. */
export const issuerOf = (packet: SignaturePacket): string =>
  packet.issuerFingerprint === null
    ? packet.issuerKeyID.toHex().toUpperCase()
    : hex(packet.issuerFingerprint);
