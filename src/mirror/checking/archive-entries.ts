import { crc32 } from 'node:zlib';
import { tooLarge } from '../../archive/limits.ts';
import { readPlainZip, type PlainFile } from '../../archive/plain-zip.ts';
import { checkStoredPieces, unpackBytesNow } from '../../archive/zip-content.ts';
import type { ZipEntry, ZipLimits } from '../../archive/zip-directory.ts';
import { readZipDirectory } from '../../archive/zip-directory.ts';
import { findStoredBytes } from '../../archive/zip-stored.ts';
import type { ArchiveBytes } from './archive-bytes.ts';
import { checkManifest, type ManifestOwner } from './manifest-check.ts';
import type { ReceivedBuffers } from '../transfer/received-buffers.ts';

/** What the files of an archive may have and need. */
export interface EntryLimits extends ZipLimits {
  /** Of the one file that is read as a whole. */
  readonly maxManifestBytes: number;
}

/** What files are inflated with, from archive to archive. */
export interface Inflating {
  /**
   * Compressed pieces that were found good before, by the CRC-32 of their bytes: versions of one package share most of
   * their files.
   */
  readonly known: Map<number, Piece>;
  readonly buffers: ReceivedBuffers;
}

/** What can be compared of a piece without having it. */
interface Piece {
  readonly method: number;
  readonly compressedSize: number;
  readonly crc32: number;
  readonly size: number;
}

const maxKnownPieces = 100_000;
/** Files up to this size are inflated at once, which is quicker; larger ones in pieces. */
const smallBytes = 1024 * 1024;

/**
 * Checks what lies in an archive of a package: its directory, its manifest and, unless somebody vouches for them, the size and
 * CRC-32 of all files. Throws an Error that says what is wrong.
 */
export async function checkEntries(
  archive: ArchiveBytes,
  owner: ManifestOwner,
  limits: EntryLimits,
  inflating: Inflating | undefined,
): Promise<void> {
  const plain = archive.whole && readPlainZip(archive.whole, limits);
  if (plain) {
    // Its local headers were compared already.
    await checkListing(
      { ...plain, startOf: (entry: PlainFile) => entry.dataStart },
      archive,
      owner,
      limits,
      inflating,
    );
    return;
  }
  const { files, folders } = await readZipDirectory(archive, limits);
  const startOf = (entry: ZipEntry): Promise<number> => findStoredBytes(archive, entry);
  await checkListing({ folders, files: files.values(), startOf }, archive, owner, limits, inflating);
}

/** An archive's files, and where the bytes of each begin. */
interface Listing<Entry extends ZipEntry> {
  readonly folders: Iterable<string>;
  readonly files: Iterable<Entry>;
  /** Compares the entry's local header with the directory. */
  startOf(entry: Entry): number | Promise<number>;
}

async function checkListing<Entry extends ZipEntry>(
  { folders, files, startOf }: Listing<Entry>,
  archive: ArchiveBytes,
  owner: ManifestOwner,
  limits: EntryLimits,
  inflating: Inflating | undefined,
): Promise<void> {
  const top = `${owner.name}-${owner.version}`;
  for (const folder of folders) {
    if (folder !== top && !folder.startsWith(`${top}/`)) {
      throw new Error(`it has the folder '${folder}' beside ${top}/`);
    }
  }
  let manifest: Entry | undefined;
  for (const entry of files) {
    if (!entry.path.startsWith(`${top}/`)) {
      throw new Error(`'${entry.path}' is not in ${top}/`);
    }
    if (entry.path === `${top}/manifest.yml`) {
      manifest = entry;
    } else if (inflating) {
      const start = startOf(entry);
      const checking = checkFile(archive, typeof start === 'number' ? start : await start, entry, inflating);
      if (checking) {
        await checking;
      }
    }
  }
  if (!manifest) {
    throw new Error(`${top}/manifest.yml is missing`);
  }
  if (manifest.size > limits.maxManifestBytes) {
    throw tooLarge('the size of manifest.yml', manifest.size, limits.maxManifestBytes);
  }
  const stored = archive.read(await startOf(manifest), manifest.compressedSize);
  checkManifest(unpackBytesNow(stored, manifest), owner, inflating === undefined);
}

/**
 * Unpacks one file, which compares size and CRC, unless an equal piece was found good before. Equal means: CRC and
 * length of the compressed bytes, and the declared CRC and size, are the same. Against damage on the way that is as
 * sharp as the CRC itself; forgery is the signature's matter.
 */
function checkFile(
  archive: ArchiveBytes,
  start: number,
  entry: ZipEntry,
  inflating: Inflating,
): Promise<void> | undefined {
  const { compressedSize, size } = entry;
  if (compressedSize > smallBytes || size > smallBytes) {
    return checkLargeFile(() => archive.pieces(start, start + compressedSize), entry, inflating);
  }
  const stored = archive.read(start, compressedSize);
  const storedCrc = crc32(stored);
  if (!isKnown(storedCrc, entry, inflating)) {
    unpackBytesNow(stored, entry);
    remember(storedCrc, entry, inflating);
  }
  return undefined;
}

async function checkLargeFile(
  pieces: () => Iterable<Buffer>,
  entry: ZipEntry,
  inflating: Inflating,
): Promise<void> {
  let storedCrc = 0;
  for (const piece of pieces()) {
    storedCrc = crc32(piece, storedCrc);
  }
  if (!isKnown(storedCrc, entry, inflating)) {
    await checkStoredPieces(pieces(), entry, (bytes) => inflating.buffers.received(bytes));
    remember(storedCrc, entry, inflating);
  }
}

function isKnown(storedCrc: number, entry: ZipEntry, { known }: Inflating): boolean {
  const piece = known.get(storedCrc);
  return (
    piece?.method === entry.method &&
    piece.compressedSize === entry.compressedSize &&
    piece.crc32 === entry.crc32 &&
    piece.size === entry.size
  );
}

function remember(storedCrc: number, entry: ZipEntry, { known, buffers }: Inflating): void {
  const { method, compressedSize, crc32: declared, size } = entry;
  if (known.size >= maxKnownPieces) {
    known.clear();
  }
  known.set(storedCrc, { method, compressedSize, crc32: declared, size });
  buffers.received(size);
}
