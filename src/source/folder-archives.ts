import { createHash, randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { writeZip } from '../archive/zip-writer.ts';
import { DepotError } from '../domain/errors.ts';
import { etagOf, streamRange } from './served-file.ts';
import type { PackageFiles, PackageRef, ServedFile } from './source.ts';

/** Archives that are made of folders, kept for the next request. */
export interface FolderArchives {
  /** The archive of a folder, zipped at the first call and then kept. Throws what opening and reading the folder throws. */
  open(ref: PackageRef): Promise<ServedFile>;
}

/** How much is kept at once, and where. */
export interface FolderArchiveOptions {
  readonly maxArchives?: number;
  readonly maxBytes?: number;
  /** Folder for the temporary files; memory is taken where it can't be written. */
  readonly temporaryFolder?: string;
}

/** An archive that was made, and who still reads it. */
interface MadeArchive {
  readonly size: number;
  readonly etag: string;
  read(position: number, length: number): Buffer | Promise<Buffer>;
  close(): Promise<void>;
  users: number;
  isKept: boolean;
}

/**
 * Zips folders on the fly. Requests for one archive share one making of it. Archives lie in temporary files without a
 * name, so that nothing is left behind whatever ends the process.
 */
export const createFolderArchives = (
  openFiles: (ref: PackageRef) => Promise<PackageFiles>,
  options: FolderArchiveOptions = {},
): FolderArchives => {
  const { maxArchives = 64, maxBytes = 512 * 1024 * 1024, temporaryFolder = tmpdir() } = options;
  const making = new Map<string, Promise<MadeArchive>>();
  const closeIfDone = async (archive: MadeArchive): Promise<void> => {
    if (!archive.isKept && archive.users === 0) {
      await archive.close();
    }
  };
  const kept = new LRUCache<string, MadeArchive>({
    max: maxArchives,
    maxSize: maxBytes,
    sizeCalculation: (archive) => Math.max(archive.size, 1),
    dispose: (archive) => {
      archive.isKept = false;
      void closeIfDone(archive);
    },
  });

  const make = async (ref: PackageRef, key: string): Promise<MadeArchive> => {
    try {
      const archive = await zipFolder(ref, openFiles, temporaryFolder);
      kept.set(key, archive);
      // One above maxBytes isn't kept: it lives as long as its readers.
      archive.isKept = kept.has(key);
      return archive;
    } finally {
      making.delete(key);
    }
  };

  return {
    open: async (ref) => {
      const key = `${ref.path}\0${ref.stamp}`;
      let archive = kept.get(key);
      if (archive === undefined) {
        const running = making.get(key) ?? make(ref, key);
        if (!making.has(key)) {
          making.set(key, running);
        }
        archive = await running;
      }
      return serve(archive, ref, closeIfDone);
    },
  };
};

const serve = (
  archive: MadeArchive,
  ref: PackageRef,
  closeIfDone: (archive: MadeArchive) => Promise<void>,
): ServedFile => {
  let isOpen = true;
  archive.users += 1;
  return {
    size: archive.size,
    modifiedAt: new Date(ref.modifiedAt),
    etag: archive.etag,
    stream: (start, end) => streamRange(archive, start, end),
    close: async () => {
      if (isOpen) {
        isOpen = false;
        archive.users -= 1;
        await closeIfDone(archive);
      }
    },
  };
};

const zipFolder = async (
  ref: PackageRef,
  openFiles: (ref: PackageRef) => Promise<PackageFiles>,
  temporaryFolder: string,
): Promise<MadeArchive> => {
  const files = await openFiles(ref);
  const { name = '', version = '' } = ref.expected ?? {};
  const zip = (): Readable =>
    writeZip(
      `${name}-${version}`,
      files.entries.map(({ path }) => ({ path, read: () => files.read(path) })),
    );
  try {
    return (await zipToFile(zip, temporaryFolder)) ?? (await zipToMemory(zip));
  } finally {
    await files.close();
  }
};

/** Undefined where the temporary folder can't take it. */
const zipToFile = async (zip: () => Readable, temporaryFolder: string): Promise<MadeArchive | undefined> => {
  const handle = await openNameless(temporaryFolder);
  if (handle === undefined) {
    return undefined;
  }
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of zip() as AsyncIterable<Buffer>) {
      hash.update(piece);
      await handle.appendFile(piece);
      size += piece.length;
    }
    return {
      size,
      etag: hash.digest('base64url').slice(0, 32),
      read: async (position, length) => {
        const bytes = Buffer.allocUnsafe(length);
        const { bytesRead } = await handle.read(bytes, 0, length, position);
        if (bytesRead !== length) {
          throw new DepotError('FILE_UNREADABLE', { reason: 'the zipped folder cannot be read back' });
        }
        return bytes;
      },
      close: () => handle.close(),
      users: 0,
      isKept: false,
    };
  } catch (error) {
    await handle.close();
    // A full disk: memory may still do. What the folder's own files have to say goes to the caller.
    if (error instanceof DepotError) {
      throw error;
    }
    return undefined;
  }
};

const openNameless = async (folder: string): Promise<FileHandle | undefined> => {
  const path = join(folder, `fleet-depot-${randomUUID()}.zip`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'wx+', 0o600);
    await unlink(path);
    return handle;
  } catch {
    await handle?.close();
    return undefined;
  }
};

const zipToMemory = async (zip: () => Readable): Promise<MadeArchive> => {
  const bytes = await buffer(zip());
  return {
    size: bytes.length,
    etag: etagOf(bytes),
    read: (position, length) => bytes.subarray(position, position + length),
    close: () => Promise.resolve(),
    users: 0,
    isKept: false,
  };
};
