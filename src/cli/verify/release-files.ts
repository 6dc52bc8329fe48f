import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DepotError } from '../../domain/errors.ts';
import { errnoOf } from '../../domain/system-error.ts';
import { readLockFile } from '../../mirror/record/lock-file.ts';
import { releaseFolders, type LockedFile } from '../../mirror/record/locked-file.ts';
import { readArchive, readSignatureFile } from '../../signing/archive-signature.ts';
import { digestWhole } from '../../signing/content-digest.ts';
import { unreadableFile } from '../../signing/file-problem.ts';
import { unlistedReason } from '../../signing/locked-archive.ts';
import type { SignatureVerdict, SignatureVerifier } from '../../signing/signature.ts';
import type { VerifiedItem } from '../../signing/verified-archive.ts';

/** Whether a path below a folder that `sync` fills belongs to artifacts, keys, models or docs, which are no packages. */
export const isReleaseFile = (folder: string, path: string): boolean => {
  const [first = ''] = relative(folder, path).split(/[\\/]/);
  return releaseFolders.some((one) => one === first);
};

/**
 * Checks the files of a lock file that are no packages: there, of the digest that it says, and artifacts by the `.asc` beside
 * them. With `all` also those that lie in its folder and it doesn't name. Throws LOCK_INVALID, SIGNED_FILE_UNREADABLE.
 */
export const verifyLockedFiles = async (
  lockFile: string,
  verifier: SignatureVerifier | undefined,
  scope: 'listed' | 'all',
): Promise<readonly VerifiedItem[]> => {
  const { files = [] } = (await readLockFile(lockFile)) ?? {};
  const items: VerifiedItem[] = [];
  for (const file of files) {
    items.push(await verifyFile(join(dirname(lockFile), file.path), file, verifier));
  }
  if (scope === 'all') {
    const listed = new Set(files.map((file) => join(dirname(lockFile), file.path)));
    for (const path of await releaseFilesIn(dirname(lockFile))) {
      if (!listed.has(path)) {
        items.push(await verifyUnlisted(path, verifier));
      }
    }
  }
  return items;
};

/** What lies in the folders of a release, by path; hidden names (what is half fetched among them) are left out. */
const releaseFilesIn = async (folder: string): Promise<readonly string[]> => {
  const found: string[] = [];
  const walk = async (path: string): Promise<void> => {
    for (const item of await readdir(path, { withFileTypes: true })) {
      const place = join(path, item.name);
      if (item.name.startsWith('.')) {
        continue;
      }
      await (item.isDirectory() ? walk(place) : found.push(place));
    }
  };
  for (const name of releaseFolders) {
    const path = join(folder, name);
    try {
      await walk(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') {
        throw unreadableFile(path, error);
      }
    }
  }
  return found.toSorted();
};

/** Its signature is told where one lies beside it: that helps to tell what is left over from what was slipped in. */
const verifyUnlisted = async (
  path: string,
  verifier: SignatureVerifier | undefined,
): Promise<VerifiedItem> => {
  const nothing = { path, ok: false, lock: 'unlisted', signature: 'unchecked' } as const;
  const isSigned = await stat(`${path}.asc`).then(
    () => true,
    () => false,
  );
  try {
    const { sha256, verdict } = await readFile(path, isSigned ? verifier : undefined);
    const faults = verdict === undefined || verdict.state === 'good' ? [] : [verdict.reason];
    return {
      ...nothing,
      archive: 'whole',
      ...signatureOf(verdict),
      sha256,
      reasons: [unlistedReason, ...faults],
    };
  } catch (error) {
    if (!(error instanceof DepotError) || error.code !== 'SIGNED_FILE_UNREADABLE') {
      throw error;
    }
    return { ...nothing, archive: 'broken', reasons: [error.message, unlistedReason] };
  }
};

const signatureOf = (
  verdict: SignatureVerdict | undefined,
): Pick<VerifiedItem, 'signature' | 'signer' | 'signedAt'> => ({
  signature: verdict?.state ?? 'unchecked',
  ...(verdict?.state === 'good' ? { signer: verdict.fingerprint, signedAt: verdict.signedAt } : {}),
});

const verifyFile = async (
  path: string,
  file: LockedFile,
  verifier: SignatureVerifier | undefined,
): Promise<VerifiedItem> => {
  const nothing = { path, ok: false, lock: 'differs', signature: 'unchecked' } as const;
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile()) {
    return { ...nothing, archive: 'absent', reasons: ['it is in the lock file, but not here'] };
  }
  try {
    // What was taken without a signature (a package for people, --no-require-signature) is not held against one now.
    const isSigned = verifier !== undefined && file.signer !== undefined;
    const { sha256, verdict } = await readFile(path, isSigned ? verifier : undefined);
    const isSame = sha256 === file.sha256;
    const reasons = [
      ...(isSame ? [] : ['its sha256 is not the one of the lock file']),
      ...(isSame && stats.size !== file.size
        ? [`it has ${stats.size} bytes, and the lock file says ${file.size}`]
        : []),
      ...(verdict === undefined || verdict.state === 'good' ? [] : [verdict.reason]),
      ...(verdict?.state === 'good' && verdict.fingerprint !== file.signer
        ? [`it is signed by another key than the lock file says (${file.signer})`]
        : []),
    ];
    return {
      path,
      ok: reasons.length === 0,
      archive: isSame ? 'whole' : 'broken',
      lock: isSame && stats.size === file.size ? 'agrees' : 'differs',
      ...signatureOf(verdict),
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
  const sha256 = await digestWhole(path, await readArchive(path));
  return { sha256, ...(verdict ? { verdict } : {}) };
};
