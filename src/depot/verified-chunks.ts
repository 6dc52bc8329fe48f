import { createHash } from 'node:crypto';

/** What a content must turn out to be. */
export interface Expected {
  readonly sha256: string;
  readonly size: number;
}

/**
 * Passes bytes on and throws what `fail` makes of the reason as soon as they are more than expected, or at their end when
 * size or SHA-256 are not the expected ones. What was passed on before must therefore not be used before the end.
 */
export async function* verifiedChunks(
  source: AsyncIterable<Uint8Array>,
  expected: Expected,
  fail: (reason: string) => Error,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > expected.size) {
      throw fail(`it has more than the ${expected.size} bytes it should have`);
    }
    hash.update(chunk);
    yield chunk;
  }
  if (size !== expected.size) {
    throw fail(`it has ${size} bytes instead of ${expected.size}`);
  }
  const found = hash.digest('hex');
  if (found !== expected.sha256) {
    throw fail(`its SHA-256 is ${found} instead of ${expected.sha256}`);
  }
}

/** Reads bytes to their end, only to see whether they are the expected ones. Throws what `fail` makes of the reason. */
export const checkChunks = async (
  source: AsyncIterable<Uint8Array>,
  expected: Expected,
  fail: (reason: string) => Error,
): Promise<void> => {
  for await (const _ of verifiedChunks(source, expected, fail)) {
  }
};
