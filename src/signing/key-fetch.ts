import { open, type FileHandle } from 'node:fs/promises';
import { unreadableFile } from './file-problem.ts';
import { maxKeyFileBytes } from './public-key.ts';

/** Fetches at most `limit` bytes. Throws DepotError where that can't be done. */
export type FetchBytes = (url: string, limit: number) => Promise<Uint8Array>;

/** Where a key comes from, as it may be shown: an address without user and password, a file as it is. */
export const shownSource = (from: string): string => {
  if (!/^https?:/i.test(from) || !URL.canParse(from)) {
    return from.replace(/^(https?:\/\/)[^/@]*@/i, '$1');
  }
  const url = new URL(from);
  [url.username, url.password] = ['', ''];
  return url.href;
};

/**
 * The bytes of a file of keys, or of what an https address answers. Throws DepotError KEY_FETCH_FAILED or
 * SIGNED_FILE_UNREADABLE.
 */
export const readKeyContent = async (from: string, fetchBytes: FetchBytes): Promise<Uint8Array> =>
  /^https?:\/\//i.test(from) ? await fetchBytes(from, maxKeyFileBytes) : await readKeyFile(from);

const readKeyFile = async (path: string): Promise<Uint8Array> => {
  try {
    const handle = await open(path, 'r');
    try {
      return await readUpTo(handle, maxKeyFileBytes + 1);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadableFile(path, error);
  }
};

/** At most so many bytes, also of a pipe. */
const readUpTo = async (handle: FileHandle, limit: number): Promise<Uint8Array> => {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, limit - length);
    length += bytesRead;
    if (bytesRead === 0 || length === limit) {
      return buffer.subarray(0, length);
    }
  }
};
