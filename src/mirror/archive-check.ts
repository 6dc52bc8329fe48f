import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { DepotError } from '../domain/errors.ts';
import type { RandomFile } from '../archive/random-file.ts';
import { parseYaml } from '../archive/yaml.ts';
import { readStoredBytes, unpackBytes } from '../archive/zip-content.ts';
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
  /** Holds one archive after the other; larger ones get memory of their own. */
  readonly buffer: Buffer;
  readonly verifier: SignatureVerifier;
}

const maxKnownPieces = 100_000;
const bufferBytes = 8 * 2 ** 20;

/** Trusts the given armored public keys. */
export function createCheckMemory(armoredKeys: readonly string[]): CheckMemory {
  const verifier = createVerifier(fixedKeys(armoredKeys));
  return { known: new Set(), buffer: Buffer.allocUnsafeSlow(bufferBytes), verifier };
}

/**
 * Checks one archive whole: directory and local headers agree, every file unpacks to its declared size and CRC-32, all
 * lie in `{name}-{version}/`, and the manifest has that name and version; then its signature. Bad content is a verdict,
 * never an exception.
 */
export async function checkArchive(task: ArchiveTask, memory: CheckMemory): Promise<ArchiveVerdict> {
  try {
    const file = readIntoMemory(task.file, task.limits.maxBytes, memory.buffer);
    await checkEntries(file, task, memory.known);
    const bytes = file.read(0, file.size);
    const found = { ok: true, sha256: hash('sha256', bytes, 'hex'), size: file.size } as const;
    if (task.signature === undefined) {
      return found;
    }
    return { ...found, signature: await memory.verifier.verify(bytes, task.signature) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

interface FileInMemory extends RandomFile {
  read(position: number, length: number): Buffer;
}

function readIntoMemory(path: string, limit: number, buffer: Buffer): FileInMemory {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    const size = Number(stats.size);
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
    return {
      stats,
      size,
      look: () => stats,
      read: (position, length) => {
        if (position + length > size) {
          throw new Error('the archive is cut off');
        }
        return bytes.subarray(position, position + length);
      },
      close: async () => {},
    };
  } finally {
    closeSync(descriptor);
  }
}

async function checkEntries(file: FileInMemory, task: ArchiveTask, known: Set<string>): Promise<void> {
  const top = `${task.name}-${task.version}`;
  const directory = await readZipDirectory(file, task.limits);
  for (const folder of directory.folders) {
    if (folder !== top && !folder.startsWith(`${top}/`)) {
      throw new Error(`it has the folder '${folder}' beside ${top}/`);
    }
  }
  for (const entry of directory.files.values()) {
    if (!entry.path.startsWith(`${top}/`)) {
      throw new Error(`'${entry.path}' is not in ${top}/`);
    }
    await checkPiece(file, entry, known);
  }
  const manifest = directory.files.get(`${top}/manifest.yml`);
  if (!manifest) {
    throw new Error(`${top}/manifest.yml is missing`);
  }
  checkManifest(await unpackBytes(await readStoredBytes(file, manifest), manifest), task);
}

/**
 * Unpacks one entry, which compares size and CRC, unless an equal piece was found good before. Equal means: CRC and
 * length of the compressed bytes, and the declared CRC and size, are the same. Against damage on the way that is as
 * sharp as the CRC itself; forgery is the signature's matter.
 */
async function checkPiece(file: RandomFile, entry: ZipEntry, known: Set<string>): Promise<void> {
  const stored = await readStoredBytes(file, entry);
  const piece = `${entry.method} ${crc32(stored)} ${stored.length} ${entry.crc32} ${entry.size}`;
  if (known.has(piece)) {
    return;
  }
  await unpackBytes(stored, entry);
  if (known.size >= maxKnownPieces) {
    known.clear();
  }
  known.add(piece);
}

function checkManifest(bytes: Buffer, { name, version }: ArchiveTask): void {
  const tree = parseYaml(bytes);
  const fields = typeof tree === 'object' && tree !== null && !Array.isArray(tree) ? tree : {};
  const stated = [fields['name'], fields['version']].map((field) =>
    typeof field === 'object' ? 'nothing' : String(field),
  );
  if (stated[0] !== name || stated[1] !== version) {
    throw new Error(`its manifest says ${stated.join(' ').slice(0, 200)}, not ${name} ${version}`);
  }
}
