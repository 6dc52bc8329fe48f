import { createReadStream } from 'node:fs';
import { fileFault } from '../files/file-fault.ts';

/** Passes a file's bytes on. Where its disk gives out, that file is named, not the one that they are written to. */
export async function* namedChunks(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw fileFault(error, file);
  }
}

/** The bytes of a file that has about `size` of them: a stream takes its whole buffer, however small the file is. Throws FILE_FAILED. */
export const fileChunks = (file: string, size = 1 << 20): AsyncIterable<Uint8Array> =>
  namedChunks(
    file,
    createReadStream(file, { highWaterMark: Math.min(size + 1, 1 << 20) }) as AsyncIterable<Uint8Array>,
  );
