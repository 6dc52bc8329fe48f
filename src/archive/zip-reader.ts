import { isMainThread } from 'node:worker_threads';
import type { BigIntStats } from 'node:fs';
import { DepotError } from '../domain/errors.ts';
import { openRandomFile } from './random-file.ts';
import { unpackBytes } from './zip-content.ts';
import { readStoredBytes } from './zip-stored.ts';
import { readZipDirectory, type ZipDirectory, type ZipEntry, type ZipLimits } from './zip-directory.ts';

/** An open archive whose directory was read and judged. */
export interface ZipArchive extends ZipDirectory {
  /** Of the file that was opened. */
  readonly stats: BigIntStats;
  /** The whole content, checked: header, size, CRC-32. Throws ZIP_INVALID, FILE_UNREADABLE, RESOURCE_UNKNOWN. */
  read(path: string): Promise<Buffer>;
  /** The bytes as they lie in the archive, and the entry that describes them. Only header and place are checked. */
  readStored(path: string): Promise<{ readonly bytes: Buffer; readonly entry: ZipEntry }>;
  /** Waits for reads that run. */
  close(): Promise<void>;
}

/** How an archive is opened. */
export interface ZipOptions {
  /** Reads files and inflates with the thread itself; as default only in worker threads. */
  readonly blocking?: boolean;
}

/**
 * Opens an archive and reads its directory. Throws ZIP_INVALID, LIMIT_EXCEEDED or FILE_UNREADABLE; their reasons name
 * the entry and leave the name of the archive to the caller.
 */
export const openZip = async (
  path: string,
  limits: ZipLimits,
  options: ZipOptions = {},
): Promise<ZipArchive> => {
  const file = await openRandomFile(path, 'the archive', options.blocking ?? !isMainThread);
  let directory: ZipDirectory;
  try {
    directory = await readZipDirectory(file, limits);
  } catch (error) {
    await file.close();
    throw error;
  }
  const { files, folders, declaredFolders } = directory;
  const find = (name: string): ZipEntry => {
    const entry = files.get(name);
    if (entry === undefined) {
      throw new DepotError('RESOURCE_UNKNOWN');
    }
    return entry;
  };
  return {
    stats: file.stats,
    files,
    folders,
    declaredFolders,
    read: async (name) => {
      const entry = find(name);
      return unpackBytes(await readStoredBytes(file, entry), entry);
    },
    readStored: async (name) => {
      const entry = find(name);
      return { bytes: await readStoredBytes(file, entry), entry };
    },
    close: () => file.close(),
  };
};
