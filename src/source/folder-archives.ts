import { createHash, randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { writeZip } from '../archive/zip-writer.ts';
import { DepotError } from '../domain/errors.ts';
import { etagOf, streamRange } from './served-file.ts';
import type { PackageFiles, PackageRef, ServedFile } from './source.ts';

/** Archives that are made of folders, kept for the next request. */
export interface FolderArchives {
  /** The archive of a folder, zipped at the first call and then kept. Throws what opening and reading the folder throws. */
  open(ref: PackageRef): Promise<ServedFile>;
  /** Lets go of all archives; those that are being sent are closed when that is done. */
  close(): Promise<void>;
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

/** An archive that is being made, and how many wait for it. */
interface Making {
  archive?: Promise<MadeArchive>;
  waiting: number;
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
  const making = new Map<string, Making>();
  const closeIfDone = async (archive: MadeArchive): Promise<void> => {
    if (!archive.isKept && archive.users === 0) {
      await archive.close();
    }
  };
  // In the order of use, the one used last at the end.
  const kept = new Map<string, MadeArchive>();
  let keptBytes = 0;
  const keep = async (key: string, archive: MadeArchive): Promise<void> => {
    kept.set(key, archive);
    archive.isKept = true;
    keptBytes += archive.size;
    for (const [oldKey, old] of kept) {
      // What a folder was before it changed is asked for by nobody.
      const isOutdated = oldKey !== key && placeOf(oldKey) === placeOf(key);
      if (isOutdated || kept.size > maxArchives || keptBytes > maxBytes) {
        kept.delete(oldKey);
        keptBytes -= old.size;
        old.isKept = false;
        await closeIfDone(old);
      }
    }
  };

  const make = async (ref: PackageRef, key: string, running: Making): Promise<MadeArchive> => {
    try {
      const archive = await zipFolder(ref, openFiles, temporaryFolder);
      // All who wait are users from now on, so that it isn't closed to make room before they have it.
      archive.users = running.waiting;
      making.delete(key);
      await keep(key, archive);
      return archive;
    } finally {
      making.delete(key);
    }
  };
  const waitFor = (ref: PackageRef, key: string): Promise<MadeArchive> => {
    const running = making.get(key) ?? { waiting: 0 };
    running.waiting += 1;
    if (running.archive === undefined) {
      making.set(key, running);
      running.archive = make(ref, key, running);
    }
    return running.archive;
  };

  return {
    open: async (ref) => {
      const key = keyOf(ref);
      const archive = kept.get(key);
      if (archive === undefined) {
        return serve(await waitFor(ref, key), ref, closeIfDone);
      }
      archive.users += 1;
      kept.delete(key);
      kept.set(key, archive);
      return serve(archive, ref, closeIfDone);
    },
    close: async () => {
      const archives = [...kept.values()];
      keptBytes = 0;
      kept.clear();
      for (const archive of archives) {
        archive.isKept = false;
        await closeIfDone(archive);
      }
    },
  };
};

const keyOf = ({ path, stamp }: PackageRef): string => `${path}\0${stamp}`;
const placeOf = (key: string): string => key.slice(0, key.indexOf('\0'));

const serve = (
  archive: MadeArchive,
  ref: PackageRef,
  closeIfDone: (archive: MadeArchive) => Promise<void>,
): ServedFile => {
  let isOpen = true;
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
