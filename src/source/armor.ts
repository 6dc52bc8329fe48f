import { readArmor } from '../signing/armor.ts';

/** Longest signature that is served. Elastic's have 900 bytes; RSA-4096 needs less than 2 KiB. */
export const maxSignatureBytes = 64 * 1024;

/**
 * True where the bytes are an ASCII-armored OpenPGP signature: the armor of RFC 9580, 6.2, whose content begins with a
 * whole signature packet; text around it is passed over, as by everybody who reads one. Nothing is verified. Kibana fails
 * an install on a 200 answer that isn't one.
 */
export const isArmoredSignature = (bytes: Uint8Array): boolean => {
  if (bytes.length > maxSignatureBytes) {
    return false;
  }
  const armor = readArmor(Buffer.from(bytes).toString('latin1'));
  return !('problem' in armor) && beginsWithSignature(armor.content);
};

/** RFC 9580, 4.2: the header of a packet in the new or the old form; tag 2 is a signature, its versions are 3 to 6. */
const beginsWithSignature = (bytes: Buffer): boolean => {
  const [first = 0, length = 0] = bytes;
  if ((first & 0x80) === 0) {
    return false;
  }
  const isNew = (first & 0x40) !== 0;
  const tag = isNew ? first & 0x3f : (first >> 2) & 0x0f;
  const header = isNew ? newHeader(bytes, length) : oldHeader(bytes, first & 0x03);
  if (tag !== 2 || header === undefined) {
    return false;
  }
  const version = bytes[header.size] ?? 0;
  return header.body >= 10 && header.size + header.body <= bytes.length && version >= 3 && version <= 6;
};

interface PacketHeader {
  readonly size: number;
  readonly body: number;
}

const newHeader = (bytes: Buffer, length: number): PacketHeader | undefined => {
  if (length < 192) {
    return { size: 2, body: length };
  }
  if (length < 224) {
    return { size: 3, body: ((length - 192) << 8) + (bytes[2] ?? 0) + 192 };
  }
  // 224 to 254 would be a part of unknown length, which signatures may not have.
  return length === 255 && bytes.length >= 6 ? { size: 6, body: bytes.readUInt32BE(2) } : undefined;
};

const oldHeader = (bytes: Buffer, lengthType: number): PacketHeader | undefined => {
  if (lengthType === 3 || bytes.length < 6) {
    return undefined;
  }
  const width = 1 << lengthType;
  return { size: 1 + width, body: bytes.readUIntBE(1, width) };
};
