import { readFile } from 'node:fs/promises';
import { quoteName } from '../archive/entry-names.ts';
import { DepotError } from '../domain/errors.ts';
import { isArmoredSignature, maxSignatureBytes } from '../source/armor.ts';
import { openFolderPackage } from '../source/folder-package.ts';
import type { ArchiveLimits, PackageFiles, PackageRef } from '../source/source.ts';
import { openZipPackage } from '../source/zip-package.ts';

/** One package for a worker thread that reads it whole. */
export interface EntryTask {
  readonly ref: PackageRef;
  readonly limits: ArchiveLimits;
}

/** What reading a whole package showed. */
export interface EntryReport {
  /** Why the package can't be opened, or which files can't be read; at most `maxReasons`. */
  readonly reasons: readonly string[];
  readonly files: number;
  /** Bytes of the files that could be read, uncompressed. */
  readonly bytes: number;
  /** `armored` is one that is served; a file that is no armored signature is `invalid`. */
  readonly signature: 'armored' | 'invalid' | 'none';
}

const maxReasons = 20;

/** The entry point of a worker thread. Holds one file of the package in memory at a time. */
export default async function readEntries({ ref, limits }: EntryTask): Promise<EntryReport> {
  const signature = await readSignature(ref);
  const reasons: string[] = [];
  let [count, bytes] = [0, 0];
  let files: PackageFiles | undefined;
  try {
    files = await (ref.kind === 'zip' ? openZipPackage : openFolderPackage)(ref.path, limits);
    for (const { path } of files.entries) {
      count++;
      try {
        bytes += (await files.read(path)).length;
      } catch (error) {
        reasons.push(reasonOf(error, path));
      }
      if (reasons.length >= maxReasons) {
        break;
      }
    }
  } catch (error) {
    reasons.push(reasonOf(error));
  } finally {
    await files?.close();
  }
  return { reasons, files: count, bytes, signature };
}

function reasonOf(error: unknown, path?: string): string {
  if (!(error instanceof DepotError)) {
    throw error;
  }
  if (error.code === 'RESOURCE_UNKNOWN' && path !== undefined) {
    return `${quoteName(path)} is gone`;
  }
  return error.message;
}

async function readSignature(ref: PackageRef): Promise<EntryReport['signature']> {
  if (!ref.signature) {
    return 'none';
  }
  if (ref.signature.size > maxSignatureBytes) {
    return 'invalid';
  }
  const bytes = await readFile(ref.signature.path).catch(() => new Uint8Array());
  return isArmoredSignature(bytes) ? 'armored' : 'invalid';
}
