import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { DepotError, messageOf } from '../domain/errors.ts';
import type { RandomFile } from '../archive/random-file.ts';
import { parseYaml } from '../archive/yaml.ts';
import { readPlainZip } from '../archive/plain-zip.ts';
import { readStoredBytes, unpackBytesNow } from '../archive/zip-content.ts';
import type { ZipEntry, ZipLimits } from '../archive/zip-directory.ts';
import { readZipDirectory } from '../archive/zip-directory.ts';
import type { SignatureVerdict, SignatureVerifier } from '../signing/signature.ts';
import { createVerifier, fixedKeys } from '../signing/verify.ts';

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
  /** Bytes of the archive: it is held in memory while it is checked. */
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
  /** Names in manifests that were read before, by the digest of all but the version. */
  readonly manifests: Map<string, string>;
  /** Holds one archive after the other; larger ones get memory of their own. */
  readonly buffer: Buffer;
  readonly verifier: SignatureVerifier;
}

const maxKnownPieces = 100_000;
const maxKnownManifests = 5000;
/** Stands for the version of a manifest; text in YAML like every version. */
const markVersion = '0.0.0';
const bufferBytes = 8 * 2 ** 20;

/** Trusts the given armored public keys. */
export function createCheckMemory(armoredKeys: readonly string[]): CheckMemory {
  const verifier = createVerifier(fixedKeys(armoredKeys));
  return { known: new Set(), manifests: new Map(), buffer: Buffer.allocUnsafeSlow(bufferBytes), verifier };
}

/**
 * Checks one archive whole: directory and local headers agree, every file unpacks to its declared size and CRC-32, all
 * lie in `{name}-{version}/`, and the manifest has that name and version; then its signature. Bad content is a verdict,
 * never an exception. `content` is the archive where it isn't in the task's file yet.
 */
export async function checkArchive(
  task: ArchiveTask,
  memory: CheckMemory,
  content?: Buffer,
): Promise<ArchiveVerdict> {
  try {
    const file = holdInMemory(content ?? readWhole(task.file, task.limits.maxBytes, memory.buffer));
    await checkEntries(file, task, memory);
    const bytes = file.read(0, file.size);
    const found = { ok: true, sha256: hash('sha256', bytes, 'hex'), size: file.size } as const;
    if (task.signature === undefined) {
      return found;
    }
    return { ...found, signature: await memory.verifier.verify(bytes, task.signature) };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  }
}

interface FileInMemory extends Pick<RandomFile, 'size' | 'read'> {
  read(position: number, length: number): Buffer;
}

const holdInMemory = (bytes: Buffer): FileInMemory => ({
  size: bytes.length,
  read: (position, length) => {
    if (position + length > bytes.length) {
      throw new Error('the archive is cut off');
    }
    return bytes.subarray(position, position + length);
  },
});

function readWhole(path: string, limit: number, buffer: Buffer): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    const { size } = fstatSync(descriptor);
    if (size > limit) {
      throw new DepotError('LIMIT_EXCEEDED', {
        what: 'the size of the archive',
        value: `${size} bytes`,
        limit: `${limit} bytes`,
      });
    }
    const bytes = size <= buffer.length ? buffer.subarray(0, size) : Buffer.allocUnsafeSlow(size);
    for (let at = 0; at < size;) {
      const got = readSync(descriptor, bytes, at, size - at, at);
      if (got === 0) {
        throw new Error('the file became shorter while it was read');
      }
      at += got;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** An archive's files, and how to come by the bytes that one has in the archive. */
interface Listing {
  readonly folders: Iterable<string>;
  readonly files: readonly ZipEntry[];
  stored(entry: ZipEntry): Buffer | Promise<Buffer>;
}

async function listEntries(file: FileInMemory, limits: ZipLimits): Promise<Listing> {
  const bytes = file.read(0, file.size);
  const plain = readPlainZip(bytes, limits);
  if (!plain) {
    const { files, folders } = await readZipDirectory(file, limits);
    return { files: [...files.values()], folders, stored: (entry) => readStoredBytes(file, entry) };
  }
  const starts = new Map<ZipEntry, number>(plain.files.map((entry) => [entry, entry.dataStart]));
  return {
    ...plain,
    stored: (entry) => {
      const start = starts.get(entry) ?? 0;
      return bytes.subarray(start, start + entry.compressedSize);
    },
  };
}

async function checkEntries(file: FileInMemory, task: ArchiveTask, memory: CheckMemory): Promise<void> {
  const top = `${task.name}-${task.version}`;
  const listing = await listEntries(file, task.limits);
  for (const folder of listing.folders) {
    if (folder !== top && !folder.startsWith(`${top}/`)) {
      throw new Error(`it has the folder '${folder}' beside ${top}/`);
    }
  }
  let manifest: Buffer | undefined;
  for (const entry of listing.files) {
    if (!entry.path.startsWith(`${top}/`)) {
      throw new Error(`'${entry.path}' is not in ${top}/`);
    }
    const stored = listing.stored(entry);
    const bytes = stored instanceof Promise ? await stored : stored;
    if (entry.path === `${top}/manifest.yml`) {
      manifest = unpackBytesNow(bytes, entry);
    } else {
      checkPiece(bytes, entry, memory.known);
    }
  }
  if (!manifest) {
    throw new Error(`${top}/manifest.yml is missing`);
  }
  checkManifest(manifest, task, memory.manifests);
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

/** A line of a version that no YAML takes for anything but text, whatever lies around it. */
const versionLine = /^version: (["']?)(\d+\.\d+\.\d+(?:-[a-z][a-z0-9]*)?)\1(?=\r?$)/gm;

/**
 * Compares name and version. Manifests of versions often differ in nothing but their version: where a text was read
 * before but for that one line, only the line is looked at. With a mark in its place the whole was the same, and the
 * mark was what the reader took for the version.
 */
function checkManifest(bytes: Buffer, task: ArchiveTask, known: Map<string, string>): void {
  const text = bytes.toString('latin1');
  const lines = [...text.matchAll(versionLine)];
  const [line] = lines;
  if (lines.length !== 1 || !line) {
    compareManifest(readManifest(bytes), task);
    return;
  }
  const [whole, quoted, version = ''] = line;
  const frame = `${text.slice(0, line.index)}version: ${quoted}${markVersion}${quoted}${text.slice(line.index + whole.length)}`;
  const key = hash('sha256', Buffer.from(frame, 'latin1'), 'base64url');
  const name = known.get(key);
  if (name !== undefined) {
    compareManifest({ name, version }, task);
    return;
  }
  const marked = readManifest(Buffer.from(frame, 'latin1'));
  if (marked.version !== markVersion) {
    compareManifest(readManifest(bytes), task);
    return;
  }
  if (known.size >= maxKnownManifests) {
    known.clear();
  }
  known.set(key, marked.name);
  compareManifest({ name: marked.name, version }, task);
}

function readManifest(bytes: Buffer): { readonly name: string; readonly version: string } {
  const tree = parseYaml(bytes);
  const fields = typeof tree === 'object' && tree !== null && !Array.isArray(tree) ? tree : {};
  const show = (field: unknown): string => (typeof field === 'object' ? 'nothing' : String(field));
  return { name: show(fields['name']), version: show(fields['version']) };
}

function compareManifest(
  stated: { readonly name: string; readonly version: string },
  { name, version }: ArchiveTask,
): void {
  if (stated.name !== name || stated.version !== version) {
    throw new Error(
      `its manifest says ${`${stated.name} ${stated.version}`.slice(0, 200)}, not ${name} ${version}`,
    );
  }
}
