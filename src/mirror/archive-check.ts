import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import { FAILSAFE_SCHEMA, load } from 'js-yaml';
import yauzl from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';

/** An archive to check. Plain data: it is sent to worker threads. */
export interface ArchiveTask {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly limits: CheckLimits;
}

export interface CheckLimits {
  /** Bytes of the archive. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Bytes of one file, unpacked. */
  readonly maxEntryBytes: number;
  /** Bytes of all files, unpacked. */
  readonly maxTotalBytes: number;
}

export const defaultCheckLimits: CheckLimits = {
  maxBytes: 512 * 2 ** 20,
  maxEntries: 65_535,
  maxEntryBytes: 512 * 2 ** 20,
  maxTotalBytes: 4 * 2 ** 30,
};

export type ArchiveVerdict =
  | { readonly ok: true; readonly sha256: string; readonly size: number }
  | { readonly ok: false; readonly reason: string };

/** Versions of one package share most of their files: compressed pieces that were found good once. */
export type KnownPieces = Set<string>;

const maxKnownPieces = 100_000;

/**
 * Checks one archive whole: central directory and local headers agree, every file inflates to its declared size and
 * CRC-32, all lie in `{name}-{version}/`, and the manifest has that name and version. Never throws for bad content.
 */
export async function checkArchive(task: ArchiveTask, known: KnownPieces): Promise<ArchiveVerdict> {
  try {
    const bytes = readWhole(task.file, task.limits.maxBytes);
    await checkEntries(bytes, task, known);
    return { ok: true, sha256: hash('sha256', bytes, 'hex'), size: bytes.length };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function readWhole(file: string, limit: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size > limit) throw new Error(`the archive has ${size} bytes, the limit is ${limit}`);
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = 0;
    while (at < size) {
      const got = readSync(descriptor, bytes, at, size - at, at);
      if (got === 0) throw new Error('the file became shorter while it was read');
      at += got;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

async function checkEntries(bytes: Buffer, task: ArchiveTask, known: KnownPieces): Promise<void> {
  const { limits } = task;
  const top = `${task.name}-${task.version}/`;
  const manifestPath = `${top}manifest.yml`;
  const seen = new Set<string>();
  let total = 0;
  let manifest: Buffer | undefined;
  await eachEntry(bytes, (entry) => {
    const path = entry.fileName;
    if (seen.size >= limits.maxEntries) throw new Error(`more than ${limits.maxEntries} entries`);
    if (seen.has(path)) throw new Error(`the entry '${path}' is there twice`);
    seen.add(path);
    if (!path.startsWith(top)) throw new Error(`the entry '${path}' is not in ${top}`);
    if (entry.uncompressedSize > limits.maxEntryBytes)
      throw new Error(`'${path}' has ${entry.uncompressedSize} bytes, the limit is ${limits.maxEntryBytes}`);
    total += entry.uncompressedSize;
    if (total > limits.maxTotalBytes)
      throw new Error(`the files have more than ${limits.maxTotalBytes} bytes`);
    if (path === manifestPath) manifest = checkPiece(bytes, entry, undefined);
    else checkPiece(bytes, entry, known);
  });
  if (!manifest) throw new Error(`${manifestPath} is missing`);
  const stated = readManifest(manifest);
  if (stated.name !== task.name || stated.version !== task.version) {
    throw new Error(`the manifest says ${stated.name} ${stated.version}, not ${task.name} ${task.version}`);
  }
}

function eachEntry(bytes: Buffer, visit: (entry: Entry) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, strictFileNames: true, autoClose: false };
    yauzl.fromBuffer(bytes, options, (failure, zip: ZipFile | undefined) => {
      if (failure || !zip) return reject(failure ?? new Error('not a zip'));
      zip.on('error', reject);
      zip.on('end', () => resolve());
      zip.on('entry', (entry: Entry) => {
        try {
          visit(entry);
        } catch (error) {
          return reject(error as Error);
        }
        zip.readEntry();
      });
      zip.readEntry();
    });
  });
}

/**
 * Inflates one entry and compares size and CRC; returns the content unless the piece was known. A piece counts as known
 * when CRC and length of its compressed bytes and of its declared content are those of one that was found good: for
 * damage on the way that is as sharp as the CRC itself, and who forges it is found by the signature.
 */
function checkPiece(bytes: Buffer, entry: Entry, known: KnownPieces | undefined): Buffer | undefined {
  const { fileName: path, compressionMethod: method, crc32: declared, uncompressedSize: size } = entry;
  if (entry.isEncrypted()) throw new Error(`'${path}' is encrypted`);
  const packed = packedBytes(bytes, entry);
  if (method === 0) {
    if (packed.length !== size || crc32(packed) !== declared)
      throw new Error(`'${path}' is damaged: its CRC or size is wrong`);
    return packed;
  }
  if (method !== 8) throw new Error(`'${path}' is packed by method ${method}, which Kibana can't read`);
  const piece = known && `${crc32(packed)} ${packed.length} ${declared} ${size}`;
  if (piece !== undefined && known?.has(piece)) return undefined;
  let content: Buffer;
  try {
    content = inflateRawSync(packed, {
      maxOutputLength: size + 1,
      chunkSize: Math.max(64, Math.min(size + 1, 1 << 20)),
    });
  } catch {
    throw new Error(`'${path}' is damaged: it doesn't inflate to ${size} bytes`);
  }
  if (content.length !== size || crc32(content) !== declared)
    throw new Error(`'${path}' is damaged: its CRC or size is wrong`);
  if (piece !== undefined && known) {
    if (known.size >= maxKnownPieces) known.clear();
    known.add(piece);
  }
  return content;
}

/** The bytes behind an entry's local header (APPNOTE 4.3.7), which must be for the same name. */
function packedBytes(bytes: Buffer, entry: Entry): Buffer {
  const at = entry.relativeOffsetOfLocalHeader;
  if (at + 30 > bytes.length || bytes.readUInt32LE(at) !== 0x04034b50)
    throw new Error(`'${entry.fileName}' has no local header`);
  const nameLength = bytes.readUInt16LE(at + 26);
  const start = at + 30 + nameLength + bytes.readUInt16LE(at + 28);
  const end = start + entry.compressedSize;
  if (end > bytes.length) throw new Error(`'${entry.fileName}' reaches beyond the end of the archive`);
  if (!bytes.subarray(at + 30, at + 30 + nameLength).equals(entry.fileNameRaw)) {
    throw new Error(`'${entry.fileName}' has another name in its local header`);
  }
  return bytes.subarray(start, end);
}

function readManifest(bytes: Buffer): { readonly name: string; readonly version: string } {
  let tree: unknown;
  try {
    tree = load(bytes.toString('utf8'), { schema: FAILSAFE_SCHEMA });
  } catch {
    throw new Error('manifest.yml is no YAML');
  }
  const fields = typeof tree === 'object' && tree !== null ? (tree as Record<string, unknown>) : {};
  return { name: String(fields['name']), version: String(fields['version']) };
}
