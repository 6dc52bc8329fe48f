import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import type { ReleaseContent, ReleaseTask } from './checker.ts';

const pieceBytes = 1024 * 1024;
const beginningBytes = 256;

/** The entry point of a worker thread: digests and signature of one file, read once. */
export default async function checkRelease(task: ReleaseTask): Promise<ReleaseContent> {
  const handle = await open(task.path);
  try {
    const digests = [createHash('sha256'), createHash('sha512')] as const;
    let size = 0;
    let beginning = Buffer.alloc(0);
    const hashed = (piece: Buffer): Buffer => {
      digests[0].update(piece);
      digests[1].update(piece);
      if (size === 0) {
        beginning = Buffer.from(piece.subarray(0, beginningBytes));
      }
      size += piece.length;
      return piece;
    };
    const pieces = readPieces(handle, hashed);
    const { signature, keys } = task;
    const verdict =
      signature === undefined || keys.length === 0
        ? undefined
        : await createVerifier(fixedKeys(keys)).verify(
            Readable.from(pieces, { objectMode: false, highWaterMark: pieceBytes }),
            signature,
          );
    // A verifier stops where the content can't matter any more; the digests are of all of it. A read that it left under
    // way comes to its end first.
    await pieces.return(undefined);
    for await (const piece of readPieces(handle, hashed, () => size)) {
      void piece;
    }
    const [sha256, sha512] = digests.map((digest) => digest.digest('hex')) as [string, string];
    return { size, sha256, sha512, beginning, ...(verdict ? { verdict } : {}) };
  } finally {
    await handle.close();
  }
}

/** Reads from where the last one stopped. */
async function* readPieces(
  handle: FileHandle,
  hashed: (piece: Buffer) => Buffer,
  start: () => number = () => 0,
): AsyncGenerator<Buffer> {
  for (let position = start(); ;) {
    const piece = Buffer.allocUnsafe(pieceBytes);
    const { bytesRead } = await handle.read(piece, 0, pieceBytes, position);
    if (bytesRead === 0) {
      return;
    }
    position += bytesRead;
    yield hashed(piece.subarray(0, bytesRead));
  }
}
