const signatureTag = 2;

/**
 * The body of the one signature packet that these bytes are (RFC 4880, 4.2); undefined for anything else, which a whole
 * library has to read.
 */
export function readPlainPacket(bytes: Buffer): Buffer | undefined {
  const tag = bytes[0] ?? 0;
  let start: number;
  let length: number;
  if ((tag & 0xc0) === 0xc0) {
    const first = bytes[1] ?? 0xff;
    if ((tag & 0x3f) !== signatureTag || first >= 224) {
      return undefined;
    }
    start = first < 192 ? 2 : 3;
    length = first < 192 ? first : ((first - 192) << 8) + (bytes[2] ?? 0) + 192;
  } else {
    const kind = tag & 0x03;
    if ((tag & 0x80) === 0 || ((tag >> 2) & 0x0f) !== signatureTag || kind > 1) {
      return undefined;
    }
    start = 2 + kind;
    length = kind === 0 ? (bytes[1] ?? 0) : ((bytes[1] ?? 0) << 8) + (bytes[2] ?? 0);
  }
  return start + length === bytes.length ? bytes.subarray(start) : undefined;
}
