import { createReadStream, type Stats } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { unreadableFile } from './file-problem.ts';
import { maxSignatureBytes } from './signature.ts';

/** Below this an archive is read whole, which is quicker; above it is streamed, so that memory stays bounded. */
const wholeFileBytes = 8 * 1024 * 1024;

/** Where an archive's detached signature is. */
export const signaturePath = (archive: string): string => `${archive}.sig`;

/**
 * Where the signature that an archive came with is kept once the site key has signed it. It ends neither in `.zip` nor
 * in `.sig`, so it is never taken for a package nor served as a signature.
 */
export const originalSignaturePath = (archive: string): string => `${archive}.sig.orig`;

/** Of a regular file alone: to open a pipe waits for its writer, for ever. */
const statFile = async (path: string): Promise<Stats> => {
  const stats = await stat(path);
  if (!stats.isFile()) {
    throw new Error('it is no regular file');
  }
  return stats;
};

/** Throws SIGNED_FILE_UNREADABLE for a pipe, a device or a folder under an archive's name; what is not there is left to the reader. */
export const refuseOddFile = async (path: string): Promise<void> => {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() === false) {
    throw new DepotError('SIGNED_FILE_UNREADABLE', { path, reason: 'it is no regular file' });
  }
};

/** The content of an archive, for one verifying or signing pass. Throws SIGNED_FILE_UNREADABLE. */
export const readArchive = async (path: string): Promise<Buffer | Readable> => {
  try {
    const { size } = await statFile(path);
    if (size <= wholeFileBytes) {
      return await readFile(path);
    }
    // Opened here, so that a file that can't be opened is told before anything is hashed.
    const handle = await open(path, 'r');
    return handle.createReadStream({ highWaterMark: 1 << 20 });
  } catch (error) {
    throw unreadableFile(path, error);
  }
};

/**
 * A signature file's text: empty where there is none, and where it is too large only its beginning, which no verifier
 * takes for a signature. Throws SIGNED_FILE_UNREADABLE.
 */
export const readSignatureFile = async (path: string): Promise<string> => {
  try {
    await statFile(path);
    let text = '';
    for await (const chunk of createReadStream(path, {
      encoding: 'utf8',
      end: maxSignatureBytes,
    }) as AsyncIterable<string>) {
      text += chunk;
    }
    return text;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return '';
    }
    throw unreadableFile(path, error);
  }
};
