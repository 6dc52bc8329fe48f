import type { Signature, SignaturePacket } from 'openpgp';
import { messageOf } from '../domain/errors.ts';
import { loadOpenpgp, type OpenpgpModule } from './openpgp.ts';
import { readPlainArmor } from './plain-armor.ts';
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
  if (!armored.includes('-----BEGIN PGP SIGNATURE-----')) {
    return { problem: 'not an ASCII-armored OpenPGP signature' };
  }
  try {
    const packet =
      readPlainPacket(openpgp, armored) ??
      (await openpgp.readSignature({ armoredSignature: armored })).packets[0];
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
    return { problem: `the armor can't be read: ${messageOf(error)}` };
  }
};

/** The library reads armor and packets as streams, which takes five times as long as the content of the packet. */
const readPlainPacket = (openpgp: OpenpgpModule, armored: string): SignaturePacket | undefined => {
  const body = readPlainArmor(armored);
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
