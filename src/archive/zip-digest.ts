import { createHash } from 'node:crypto';
import { openRandomFile } from './random-file.ts';

const endRecord = 0x06054b50;
const endRecordBytes = 22;
const maxComment = 0xffff;
const maxDirectoryBytes = 16 * 1024 * 1024;
/** The end record with the longest comment, and with it most directories whole. */
const tailBytes = endRecordBytes + maxComment + 1024;

/**
 * A digest of everything that says what an archive holds: its size, and all bytes from its directory to its end (names,
 * sizes, CRC-32 and places of all files). Two archives with the same digest are read the same. Nothing is parsed, so
 * that it takes a tenth of the time that opening does. Undefined where only a reader can tell: Zip64, more than one
 * record that may be the last, damage. Reads with the thread itself: for readers and command lines.
 */
export async function digestZip(path: string): Promise<string | undefined> {
  const file = await openRandomFile(path, 'the archive', true);
  try {
    const start = Math.max(0, file.size - tailBytes);
    const tail = await file.read(start, file.size - start);
    const end = findEnd(tail);
    if (end === undefined) {
      return undefined;
    }
    const directory = tail.readUInt32LE(end + 16);
    const length = file.size - directory;
    if (directory === 0xffffffff || directory > start + end || length > maxDirectoryBytes) {
      return undefined;
    }
    const listed = directory >= start ? tail.subarray(directory - start) : await file.read(directory, length);
    return createHash('sha256').update(`${file.size}\n`).update(listed).digest('base64url');
  } finally {
    await file.close();
  }
}

/** Where the one end record begins; readers may choose differently where there are two. */
function findEnd(tail: Buffer): number | undefined {
  let found: number | undefined;
  const from = Math.max(0, tail.length - endRecordBytes - maxComment);
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(endRecord);
  for (let at = tail.indexOf(magic, from); at >= 0; at = tail.indexOf(magic, at + 1)) {
    if (found !== undefined) {
      return undefined;
    }
    found = at;
  }
  const isWhole =
    found !== undefined &&
    found + endRecordBytes <= tail.length &&
    found + endRecordBytes + tail.readUInt16LE(found + 20) === tail.length;
  return isWhole ? found : undefined;
}
