import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { unreadableFile } from './file-problem.ts';

/** Content on its way through a check, and the SHA-256 of what went through (hex), to be asked at the end. */
export interface DigestedContent {
  readonly data: Readable | Uint8Array;
  digest(): string;
}

/** Lets content be hashed while it is read, so that what was verified and what is signed can be compared. */
export const digestContent = (content: Readable | Uint8Array): DigestedContent => {
  const hash = createHash('sha256');
  if (!(content instanceof Readable)) {
    hash.update(content);
    return { data: content, digest: () => hash.digest('hex') };
  }
  const passing = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const data = Readable.from(passing(), { objectMode: false });
  // A generator that was never started doesn't close what it would have read.
  data.once('close', () => content.destroy());
  return { data, digest: () => hash.digest('hex') };
};

/** The SHA-256 of all of a file's content, in hex. Throws SIGNED_FILE_UNREADABLE where the disk gives out in the middle. */
export const digestWhole = async (path: string, content: Readable | Uint8Array): Promise<string> => {
  const { data, digest } = digestContent(content);
  try {
    if (data instanceof Readable) {
      for await (const chunk of data) {
        void chunk;
      }
    }
  } catch (error) {
    throw unreadableFile(path, error);
  }
  return digest();
};
