import type { Signature, SignaturePacket } from 'openpgp';
import { messageOf } from '../domain/errors.ts';
import { loadOpenpgp, type OpenpgpModule } from './openpgp.ts';
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
export type ParsedSignature =
  | { readonly signature: Signature; readonly packet: SignaturePacket }
  | { readonly problem: string };

/** The first packet of the first armor decides, whatever follows: so does Kibana, which reads `signatures[0]` alone. */
export const parseSignature = async (openpgp: OpenpgpModule, armored: string): Promise<ParsedSignature> => {
  if (armored.length > maxSignatureBytes) {
    return { problem: `a signature of ${armored.length} bytes is none` };
  }
  if (!armored.includes('-----BEGIN PGP SIGNATURE-----')) {
    return { problem: 'not an ASCII-armored OpenPGP signature' };
  }
  try {
    const all = await openpgp.readSignature({ armoredSignature: armored });
    const packet = all.packets[0];
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
    const packets = new openpgp.PacketList<SignaturePacket>();
    packets.push(packet);
    return { signature: new openpgp.Signature(packets), packet };
  } catch (error) {
    return { problem: `the armor can't be read: ${messageOf(error)}` };
  }
};

/** Bytes as upper-case hex digits. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

/** The issuer as the signature names it, by its own unproven word. */
export const issuerOf = (packet: SignaturePacket): string =>
  packet.issuerFingerprint === null
    ? packet.issuerKeyID.toHex().toUpperCase()
    : hex(packet.issuerFingerprint);
