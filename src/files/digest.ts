import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const hexDigest = /^[0-9a-f]{64}$/;

/** Whether a text is a SHA-256 digest as we write it: 64 lower-case hex digits. */
export const isDigest = (text: string): boolean => hexDigest.test(text);

/** SHA-256 of bytes, as 64 hex digits. */
export const digestOf = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** SHA-256 and size of a file, read as a stream. Rejects with the file system's own error. */
export const digestFile = async (
  path: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; size: number }> => {
  const hash = createHash('sha256');
  let size = 0;
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: hash.digest('hex'), size };
};
