const firstBytes = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['bzip2', [0x42, 0x5a, 0x68]],
] as const;

/** A program that compresses. */
export type Compression = (typeof firstBytes)[number][0];

/** So many bytes tell which program compressed something. */
export const headBytes = 4;

/** Which program compressed something, by its first bytes; undefined where none of them did. */
export const compressionOf = (head: Uint8Array): Compression | undefined =>
  firstBytes.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0];
