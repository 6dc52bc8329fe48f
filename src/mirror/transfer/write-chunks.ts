import type { FileHandle } from 'node:fs/promises';

/** Writes all bytes of the chunks at a position of a file. */
export async function writeChunks(handle: FileHandle, chunks: Buffer[], position: number): Promise<void> {
  const { bytesWritten } = await handle.writev(chunks, position);
  let rest = chunks.reduce((sum, chunk) => sum + chunk.length, 0) - bytesWritten;
  if (rest === 0) {
    return;
  }
  // A short write, as on a disk that is nearly full: the next one tells why.
  const bytes = Buffer.concat(chunks);
  while (rest > 0) {
    rest -= (await handle.write(bytes, bytes.length - rest, rest, position + bytes.length - rest))
      .bytesWritten;
  }
}
