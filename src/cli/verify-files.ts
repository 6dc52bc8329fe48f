import { stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { readLockFile } from '../mirror/lock-file.ts';
import { releaseFolders, type LockedFile } from '../mirror/locked-file.ts';
import { readArchive, readSignatureFile } from '../signing/archive-signature.ts';
import { digestContent } from '../signing/content-digest.ts';
import type { SignatureVerdict, SignatureVerifier } from '../signing/signature.ts';
import type { VerifiedItem } from '../signing/verify-set.ts';

/** Whether a path below a folder that `sync` fills belongs to artifacts, keys, models or docs, which are no packages. */
export const isReleaseFile = (folder: string, path: string): boolean => {
  const [first = ''] = relative(folder, path).split(/[\\/]/);
  return releaseFolders.some((one) => one === first);
};

/**
 * Checks the files of a lock file that are no packages: there, of the digest that it says, and artifacts by the `.asc` beside
 * them. Throws LOCK_INVALID.
 */
export const verifyLockedFiles = async (
  lockFile: string,
  verifier: SignatureVerifier | undefined,
): Promise<readonly VerifiedItem[]> => {
  const { files = [] } = (await readLockFile(lockFile)) ?? {};
  const items: VerifiedItem[] = [];
  for (const file of files) {
    items.push(await verifyFile(join(dirname(lockFile), file.path), file, verifier));
  }
  return items;
};

const verifyFile = async (
  path: string,
  file: LockedFile,
  verifier: SignatureVerifier | undefined,
): Promise<VerifiedItem> => {
  const nothing = { path, ok: false, lock: 'differs', signature: 'unchecked' } as const;
  if (!(await stat(path).catch(() => undefined))?.isFile()) {
    return { ...nothing, archive: 'absent', reasons: ['it is in the lock file, but not here'] };
  }
  try {
    // What was taken without a signature (a package for people, --no-require-signature) is not held against one now.
    const isSigned = verifier !== undefined && file.signer !== undefined;
    const { sha256, verdict } = await readFile(path, isSigned ? verifier : undefined);
    const isSame = sha256 === file.sha256;
    const reasons = [
      ...(isSame ? [] : ['its sha256 is not the one of the lock file']),
      ...(verdict === undefined || verdict.state === 'good' ? [] : [verdict.reason]),
    ];
    return {
      path,
      ok: reasons.length === 0,
      archive: isSame ? 'whole' : 'broken',
      lock: isSame ? 'agrees' : 'differs',
      signature: verdict?.state ?? 'unchecked',
      ...(verdict?.state === 'good' ? { signer: verdict.fingerprint, signedAt: verdict.signedAt } : {}),
      sha256,
      reasons,
    };
  } catch (error) {
    if (!(error instanceof DepotError) || error.code !== 'SIGNED_FILE_UNREADABLE') {
      throw error;
    }
    return { ...nothing, archive: 'broken', reasons: [error.message] };
  }
};

const readFile = async (
  path: string,
  verifier: SignatureVerifier | undefined,
): Promise<{ readonly sha256: string; readonly verdict?: SignatureVerdict }> => {
  const verdict =
    verifier && (await verifier.verify(await readArchive(path), await readSignatureFile(`${path}.asc`)));
  // A verifier stops where the content can't matter any more, so its pass doesn't always have the digest.
  const content = digestContent(await readArchive(path));
  if (!(content.data instanceof Uint8Array)) {
    for await (const chunk of content.data) {
      void chunk;
    }
  }
  return { sha256: content.digest(), ...(verdict ? { verdict } : {}) };
};
