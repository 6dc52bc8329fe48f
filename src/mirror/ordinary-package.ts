import { readPlainZip } from '../archive/plain-zip.ts';
import { unpackBytesNow } from '../archive/zip-content.ts';
import type { ZipLimits } from '../archive/zip-directory.ts';
import { readManifestLines } from './manifest-check.ts';

/** The package that an archive has to be of, and the bounds of what it may hold. */
export interface AskedPackage {
  readonly name: string;
  readonly version: string;
  readonly limits: ZipLimits;
}

/**
 * Whether an archive in memory, which its signer vouches for, is as ordinary as nearly all are, has all its files in the
 * package's folder, and a manifest with that name and version. False says nothing: then a careful look has the say.
 */
export function isOrdinaryPackage(content: Buffer, { name, version, limits }: AskedPackage): boolean {
  const plain = readPlainZip(content, limits);
  if (!plain) {
    return false;
  }
  const top = `${name}-${version}`;
  for (const folder of plain.folders) {
    if (folder !== top && !folder.startsWith(`${top}/`)) {
      return false;
    }
  }
  // Every other file lies in one of those folders.
  if (plain.files.some(({ path }) => !path.includes('/'))) {
    return false;
  }
  const manifest = plain.files.find(({ path }) => path === `${top}/manifest.yml`);
  if (!manifest) {
    return false;
  }
  const { dataStart, compressedSize } = manifest;
  try {
    const text = unpackBytesNow(content.subarray(dataStart, dataStart + compressedSize), manifest);
    const stated = readManifestLines(text);
    return stated?.name === name && stated.version === version;
  } catch {
    return false;
  }
}
