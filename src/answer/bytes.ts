import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

/**
 * The same bytes in memory of their own, where they are a part of a larger piece: of Node's pool for small buffers, or of a chunk that
 * zlib filled only in part. A cache that kept the part would keep the whole piece, and count the part.
 */
export function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength - bytes.length <= bytes.length >> 4) {
    return bytes;
  }
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** Gzipped, as all answers are that are not gzipped already. */
export const compress = (bytes: Buffer): Promise<Buffer> => promisify(gzip)(bytes, { level: 6 });

const leastChunk = 64;
const mostChunk = 1024 * 1024;

/**
 * What was gzipped. Its size stands at the end, so that zlib gets one chunk for all of it, with a byte to spare: chunks of 16 KiB, which
 * are then joined, cost half as much processor time again and leave twice the memory to be collected.
 */
export const decompress = (bytes: Buffer): Promise<Buffer> => {
  const size = bytes.readUInt32LE(bytes.length - 4);
  return promisify(gunzip)(bytes, { chunkSize: Math.min(Math.max(size + 1, leastChunk), mostChunk) });
};
