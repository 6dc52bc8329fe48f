import { constants } from 'node:fs';
import { access, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { packTar, type PackedEntry } from '../archive/tar-writer.ts';
import { DepotError } from '../domain/errors.ts';
import { reasonOf } from '../files/errno.ts';
import { syncFolder } from '../files/folder.ts';
import { discardLeftIn } from '../files/left-behind.ts';
import { refuseSpecialFile } from '../files/place.ts';
import { temporaryBeside } from '../files/temporary.ts';
import { layOutImage, type ImageParts } from './image-layout.ts';

/** Where it goes. */
export interface ArchiveTarget {
  readonly output: string;
  readonly replace: boolean;
  readonly signal: AbortSignal;
  onBytes(count: number): void;
}

/** Writes an image as one tar, in the layout of `layOutImage`. Throws IMAGE_WRITE_FAILED; the output appears whole or not at all. */
export const writeArchive = async (
  parts: ImageParts,
  target: ArchiveTarget,
): Promise<{ readonly digest: string; readonly bytes: number }> => {
  const { output } = target;
  await checkPlace(output, target.replace);
  const { digest, entries } = layOutImage(parts);
  await discardLeftIn(path.dirname(output));
  const temporary = await temporaryBeside(output);
  let handle: FileHandle | undefined;
  try {
    handle = await attempt(output, () => open(temporary, 'wx', 0o644));
    const bytes = await writeAll(handle, entries, target);
    const file = handle;
    await attempt(output, () => file.sync());
    await file.close();
    handle = undefined;
    await attempt(output, () => rename(temporary, output));
    await attempt(output, () => syncFolder(path.dirname(output)));
    return { digest, bytes };
  } finally {
    await handle?.close();
    await rm(temporary, { force: true });
  }
};

/**
 * Whether an image may be written there, asked before hours are spent on what goes into it. Throws USAGE where something is there that
 * stays, FILE_FAILED where that is a device or a pipe, IMAGE_WRITE_FAILED where there is no folder for it, or one
 * that can't be written to.
 */
export const checkPlace = async (output: string, replace: boolean): Promise<void> => {
  const found = await stat(output).catch(() => undefined);
  if (found?.isDirectory() === true) {
    throw new DepotError('USAGE', { reason: `${output} is a folder; name a file in it with -o` });
  }
  if (found !== undefined && !replace) {
    throw new DepotError('USAGE', { reason: `${output} is there already; --replace writes over it` });
  }
  await refuseSpecialFile(
    output,
    'an image is written to a plain file, which is whole before it gets its name',
  );
  await attempt(output, () => access(path.dirname(output), constants.W_OK));
};

const writeAll = async (
  handle: FileHandle,
  entries: readonly PackedEntry[],
  { output, signal, onBytes }: ArchiveTarget,
): Promise<number> => {
  let bytes = 0;
  for await (const chunk of packTar(entries)) {
    signal.throwIfAborted();
    let left = chunk;
    while (left.length > 0) {
      const piece = left;
      const { bytesWritten } = await attempt(output, () => handle.write(piece));
      left = left.subarray(bytesWritten);
    }
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return bytes;
};

const attempt = async <T>(output: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw new DepotError('IMAGE_WRITE_FAILED', { path: output, reason: reasonOf(error) }, error);
  }
};
