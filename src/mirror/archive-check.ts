import { crc32 } from 'node:zlib';
import { messageOf } from '../domain/errors.ts';
import { readPlainZip } from '../archive/plain-zip.ts';
import { readStoredBytes, unpackBytesNow } from '../archive/zip-content.ts';
import type { ZipEntry, ZipLimits } from '../archive/zip-directory.ts';
import { readZipDirectory } from '../archive/zip-directory.ts';
import type { SignatureVerdict, SignatureVerifier } from '../signing/signature.ts';
import { createVerifier, fixedKeys } from '../signing/verify.ts';
import type { ArchiveBytes } from './archive-bytes.ts';
import { bytesInMemory, hashWhileRead, openArchiveBytes } from './archive-bytes.ts';
import { checkManifest } from './manifest-check.ts';

/** An archive to check. Plain data: it is sent to worker threads. */
export interface ArchiveTask {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  /** Armored; checked over the very bytes that were read. Absent: not checked. */
  readonly signature?: string;
  readonly limits: CheckLimits;
}

export interface CheckLimits extends ZipLimits {
  /** Bytes of the archive. */
  readonly maxBytes: number;
}

export const defaultCheckLimits: CheckLimits = {
  maxBytes: 512 * 2 ** 20,
  maxEntries: 65_535,
  maxEntryBytes: 512 * 2 ** 20,
  maxTotalBytes: 4 * 2 ** 30,
  maxRatio: 200,
};

export type ArchiveVerdict =
  | {
      readonly ok: true;
      readonly sha256: string;
      readonly size: number;
      readonly signature?: SignatureVerdict;
    }
  | { readonly ok: false; readonly reason: string };

/** What one thread keeps from archive to archive. */
export interface CheckMemory {
  /** Compressed pieces that were found good before: versions of one package share most of their files. */
  readonly known: Set<string>;
  /** Holds small archives, and pieces of larger ones. */
  readonly buffer: Buffer;
  readonly verifier: SignatureVerifier;
}

const maxKnownPieces = 100_000;
const bufferBytes = 2 * 2 ** 20;

/** Trusts the given armored public keys. */
export function createCheckMemory(armoredKeys: readonly string[]): CheckMemory {
  const verifier = createVerifier(fixedKeys(armoredKeys));
  return { known: new Set(), buffer: Buffer.allocUnsafeSlow(bufferBytes), verifier };
}

/**
 * Checks one archive: its signature, where there is one; its directory is in order, all files lie in
 * `{name}-{version}/`, and the manifest has that name and version; and every file unpacks to its declared size and CRC-32.
 *
 * That last one is left out where the signature is good. What CRCs would find, a byte that changed on the way or on a
 * disk, the signature has excluded for all bytes at once. What is left is an archive that its signer has made broken:
 * `fleet-depot verify` finds it, and so does the server, which never sends a file whose CRC is another.
 *
 * Bad content is a verdict, never an exception. `content` is the archive where it isn't in the task's file yet.
 */
export async function checkArchive(
  task: ArchiveTask,
  memory: CheckMemory,
  content?: Buffer,
): Promise<ArchiveVerdict> {
  let archive: ArchiveBytes | undefined;
  try {
    archive = content
      ? bytesInMemory(content)
      : openArchiveBytes(task.file, task.limits.maxBytes, memory.buffer);
    const hashed = hashWhileRead(archive);
    const signature =
      task.signature === undefined ? undefined : await memory.verifier.verify(hashed, task.signature);
    await checkEntries(archive, task, memory, signature?.state === 'good');
    return {
      ok: true,
      sha256: hashed.sha256(),
      size: archive.size,
      ...(signature ? { signature } : {}),
    };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  } finally {
    archive?.close();
  }
}

/** An archive's files, and how to come by the bytes that one has in the archive. */
interface Listing {
  readonly folders: Iterable<string>;
  readonly files: readonly ZipEntry[];
  /** Compares the entry's local header with the directory. */
  stored(entry: ZipEntry): Buffer | Promise<Buffer>;
}

async function listEntries(archive: ArchiveBytes, limits: ZipLimits): Promise<Listing> {
  const { whole } = archive;
  const plain = whole && readPlainZip(whole, limits);
  if (!plain) {
    const { files, folders } = await readZipDirectory(archive, limits);
    return { files: [...files.values()], folders, stored: (entry) => readStoredBytes(archive, entry) };
  }
  const starts = new Map<ZipEntry, number>(plain.files.map((entry) => [entry, entry.dataStart]));
  return {
    ...plain,
    stored: (entry) => {
      const start = starts.get(entry) ?? 0;
      return whole.subarray(start, start + entry.compressedSize);
    },
  };
}

async function checkEntries(
  archive: ArchiveBytes,
  task: ArchiveTask,
  memory: CheckMemory,
  isVouchedFor: boolean,
): Promise<void> {
  const top = `${task.name}-${task.version}`;
  const listing = await listEntries(archive, task.limits);
  for (const folder of listing.folders) {
    if (folder !== top && !folder.startsWith(`${top}/`)) {
      throw new Error(`it has the folder '${folder}' beside ${top}/`);
    }
  }
  let manifest: ZipEntry | undefined;
  for (const entry of listing.files) {
    if (!entry.path.startsWith(`${top}/`)) {
      throw new Error(`'${entry.path}' is not in ${top}/`);
    }
    if (entry.path === `${top}/manifest.yml`) {
      manifest = entry;
    } else if (!isVouchedFor) {
      checkPiece(await listing.stored(entry), entry, memory.known);
    }
  }
  if (!manifest) {
    throw new Error(`${top}/manifest.yml is missing`);
  }
  checkManifest(unpackBytesNow(await listing.stored(manifest), manifest), task, isVouchedFor);
}

/**
 * Unpacks one entry, which compares size and CRC, unless an equal piece was found good before. Equal means: CRC and
 * length of the compressed bytes, and the declared CRC and size, are the same. Against damage on the way that is as
 * sharp as the CRC itself; forgery is the signature's matter.
 */
function checkPiece(stored: Buffer, entry: ZipEntry, known: Set<string>): void {
  const piece = `${entry.method} ${crc32(stored)} ${stored.length} ${entry.crc32} ${entry.size}`;
  if (known.has(piece)) {
    return;
  }
  unpackBytesNow(stored, entry);
  if (known.size >= maxKnownPieces) {
    known.clear();
  }
  known.add(piece);
}
