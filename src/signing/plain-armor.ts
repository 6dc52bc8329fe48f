/** Header lines, an empty line, base64, perhaps a checksum, and nothing before or after. */
const plainArmor =
  /^-----BEGIN PGP SIGNATURE-----\r?\n(?:(?:Version|Comment|Hash|Charset|MessageID): [\x20-\x7e]*\r?\n)*\r?\n((?:[A-Za-z0-9+/]{4,100}\r?\n)*[A-Za-z0-9+/]{1,100}={0,2}\r?\n)(?:=[A-Za-z0-9+/]{4}\r?\n)?-----END PGP SIGNATURE-----(?:\r?\n)*$/;

const signatureTag = 2;

/**
 * The body of the one signature packet that an ordinary armor holds (RFC 4880, 4.2 and 6.2); undefined for any other, which
 * a whole library has to read. The checksum is left alone, as RFC 9580, 6.1 demands: the signature itself says more.
 */
export function readPlainArmor(armored: string): Buffer | undefined {
  const base64 = plainArmor.exec(armored)?.[1];
  if (base64 === undefined) {
    return undefined;
  }
  const bytes = Buffer.from(base64, 'base64');
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
  // A base64 text of another length than its bytes have would be read differently elsewhere.
  const isWhole =
    start + length === bytes.length && bytes.toString('base64') === base64.replaceAll(/\r?\n/g, '');
  return isWhole ? bytes.subarray(start) : undefined;
}
