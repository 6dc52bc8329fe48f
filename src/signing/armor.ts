/** What the first armored signature of a text holds and the text behind it, or why there is none. */
export type ReadArmor =
  | {
      readonly content: Buffer;
      /** Why gpg can't read it, though Kibana does. */
      readonly problemOfGpg?: string;
    }
  | { readonly problem: string };

const begin = '-----BEGIN PGP SIGNATURE-----';
const end = '-----END PGP SIGNATURE-----';
const border = /^-----[^-]+-----$/;
const headerLine = /^[A-Za-z][A-Za-z0-9-]*:(?: .*)?$/;
const checksumLine = /^=[A-Za-z0-9+/]{4}$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Reads the armor of RFC 9580, 6.2, as strictly as the strictest of those who have to take it: gpg refuses header lines
 * without a colon and strange characters between the base64, and both gpg and the library in Kibana refuse a wrong
 * checksum, though RFC 9580, 6.1 forbids them to. What is good here has to be good there. Text before the armor and
 * behind it, either line end and blanks at the ends of lines are fine with all of them.
 */
export const readArmor = (text: string): ReadArmor => {
  const lines = text.split('\n').map((line) => line.replace(/[ \t\r]+$/, ''));
  const first = lines.findIndex((line) => border.test(line));
  if (first < 0 || lines[first] !== begin) {
    return { problem: 'not an ASCII-armored OpenPGP signature' };
  }
  const inner = lines.slice(first + 1);
  const length = inner.findIndex((line) => line.startsWith('-----'));
  if (inner[length] !== end) {
    return { problem: "the armor can't be read: its end is missing" };
  }
  const blank = inner.indexOf('');
  if (blank < 0 || blank >= length || !inner.slice(0, blank).every((line) => headerLine.test(line))) {
    return {
      problem: "the armor can't be read: a header line is wrong, or the empty line behind them is missing",
    };
  }
  const body = inner.slice(blank + 1, length).filter((line) => line !== '');
  const checksum = checksumLine.test(body.at(-1) ?? '') ? body.pop() : undefined;
  const encoded = body.join('');
  if (encoded === '' || !base64.test(encoded)) {
    return { problem: "the armor can't be read: there is something else than base64 in it" };
  }
  const content = Buffer.from(encoded, 'base64');
  if (checksum !== undefined) {
    return checksum === `=${crc24(content)}`
      ? { content }
      : { problem: 'the checksum of the armor is wrong, so that neither gpg nor Kibana would read it' };
  }
  // Without one gpg finds the end by padding alone, and Kibana's library takes the padding for one where a line follows.
  if (!encoded.endsWith('=')) {
    return {
      content,
      problemOfGpg:
        'the armor has no checksum, and gpg would not find its end without (`gpg --armor` writes one)',
    };
  }
  return inner[length - 1] === ''
    ? { problem: 'the armor has an empty line in place of a checksum, so that Kibana would not read it' }
    : { content };
};

/** What a byte at the front of a CRC-24 turns the rest into. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 16;
  for (let bit = 0; bit < 8; bit += 1) {
    crc = (crc << 1) ^ (crc & 0x800000 ? 0x1864cfb : 0);
  }
  return crc & 0xffffff;
});

/** RFC 9580, 6.1: the armor's optional checksum, as base64. */
const crc24 = (bytes: Uint8Array): string => {
  let crc = 0xb704ce;
  for (let at = 0; at < bytes.length; at += 1) {
    crc = ((crc << 8) & 0xffffff) ^ (crcTable[(crc >> 16) ^ (bytes[at] ?? 0)] ?? 0);
  }
  return Buffer.from([crc >> 16, (crc >> 8) & 0xff, crc & 0xff]).toString('base64');
};
