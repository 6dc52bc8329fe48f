import { createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { DepotError } from '../domain/errors.ts';
import { digestOf } from '../files/digest.ts';

/** A content's digest, `sha256:` and 64 hex digits, and its bytes. */
export interface Digested {
  readonly digest: string;
  readonly size: number;
}

/** Whether a text is a digest of the only kind that is taken. */
export const isDigest = (text: unknown): text is string =>
  typeof text === 'string' && /^sha256:[0-9a-f]{64}$/.test(text);

/** Where a blob lies in an image layout. The digest must have been checked. */
export const blobName = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

/** The digest of a text. */
export const digestText = (text: string): Digested => ({
  digest: `sha256:${digestOf(text)}`,
  size: Buffer.byteLength(text),
});

/** Hashes a stream; `onBytes` hears of every chunk. */
export const digestStream = async (
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void = () => undefined,
): Promise<Digested> => {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
    onBytes(chunk.length);
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
};

/** A layer of 32 GiB is beyond every registry's limit; what unpacks to more is made to fill memory or time. */
const maxUnpacked = 32 * 1024 ** 3;

/** Hashes a gzip stream as it is and unpacked, in one pass. */
export const digestGzip = async (
  chunks: AsyncIterable<Uint8Array>,
  fail: (reason: string) => DepotError,
): Promise<{ readonly packed: Digested; readonly unpacked: Digested }> => {
  const [packed, unpacked] = [createHash('sha256'), createHash('sha256')];
  let [packedSize, unpackedSize] = [0, 0];
  const tap = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      packed.update(chunk);
      packedSize += chunk.length;
      yield chunk;
    }
  };
  const sink = new Writable({
    highWaterMark: 1 << 20,
    write(chunk: Buffer, _encoding, done) {
      unpacked.update(chunk);
      unpackedSize += chunk.length;
      done(unpackedSize > maxUnpacked ? fail(`a layer unpacks to more than ${maxUnpacked} bytes`) : null);
    },
  });
  try {
    await pipeline(Readable.from(tap(), { objectMode: false }), createGunzip({ chunkSize: 1 << 18 }), sink);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw code.startsWith('Z_') ? fail('a layer is no whole gzip stream') : error;
  }
  return {
    packed: { digest: `sha256:${packed.digest('hex')}`, size: packedSize },
    unpacked: { digest: `sha256:${unpacked.digest('hex')}`, size: unpackedSize },
  };
};
