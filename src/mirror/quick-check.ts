import { readPlainZip } from '../archive/plain-zip.ts';
import { unpackBytesNow } from '../archive/zip-content.ts';
import { createVerifier, fixedKeys } from '../signing/verify.ts';
import { bytesInMemory, hashWhileRead } from './archive-bytes.ts';
import type { ArchiveTask, ArchiveVerdict } from './archive-check.ts';
import { readManifestLines } from './manifest-check.ts';

/**
 * Finds an archive in memory good where that takes hardly more than its digests: its signature is good, and it is as
 * ordinary as nearly all are. Undefined says nothing: then `checkArchive` has the say, in a thread of its own, since it may
 * have to inflate everything. What is good here is good there too.
 */
export type QuickCheck = (content: Buffer, task: ArchiveTask) => Promise<ArchiveVerdict | undefined>;

/** Trusts the given armored public keys. */
export function createQuickCheck(armoredKeys: readonly string[]): QuickCheck {
  const verifier = createVerifier(fixedKeys(armoredKeys));
  return async (content, task) => {
    if (task.signature === undefined || !isRightPackage(content, task)) {
      return undefined;
    }
    const hashed = hashWhileRead(bytesInMemory(content));
    const signature = await verifier.verify(hashed, task.signature);
    return signature.state === 'good'
      ? { ok: true, sha256: hashed.sha256(), size: content.length, signature }
      : undefined;
  };
}

/** Whether all lies in the package's folder, and the manifest says its name and version. */
function isRightPackage(content: Buffer, { name, version, limits }: ArchiveTask): boolean {
  const plain = readPlainZip(content, limits);
  if (!plain) {
    return false;
  }
  const top = `${name}-${version}`;
  for (const folder of plain.folders) {
    if (!folder.startsWith(top) || (folder.length > top.length && folder[top.length] !== '/')) {
      return false;
    }
  }
  const manifest = plain.files.find(({ path }) => path === `${top}/manifest.yml`);
  // A file that lies in no folder is beside it.
  if (!manifest || plain.files.some(({ path }) => !path.includes('/'))) {
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
