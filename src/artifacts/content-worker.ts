import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createVerifier, fixedKeys } from '../signing/verifier.ts';
import type { ContentFacts, ContentTask } from './content-check.ts';
import { contentStamp } from './inventory.ts';

const pieceBytes = 1024 * 1024;

/** The entry point of a worker thread: digest and signature of one file, both of the same open file. */
export default async function checkContent(task: ContentTask): Promise<ContentFacts> {
  const handle = await open(task.path);
  try {
    const stamp = contentStamp(await handle.stat({ bigint: true }));
    const hash = createHash('sha512');
    const second = task.sha256 === true ? createHash('sha256') : undefined;
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let position = 0; ;) {
      const { bytesRead } = await handle.read(piece, 0, pieceBytes, position);
      if (bytesRead === 0) {
        break;
      }
      hash.update(piece.subarray(0, bytesRead));
      second?.update(piece.subarray(0, bytesRead));
      position += bytesRead;
    }
    const sha512 = hash.digest('hex');
    if (task.signature === undefined || task.keys.length === 0 || sha512 !== task.expected) {
      return { stamp, sha512, ...(second === undefined ? {} : { sha256: second.digest('hex') }) };
    }
    const data = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: pieceBytes });
    const verdict = await createVerifier(fixedKeys(task.keys, 'of -keys-path (EPR_KEYS_PATH)')).verify(
      data,
      task.signature,
    );
    return { stamp, sha512, verdict };
  } finally {
    await handle.close();
  }
}
