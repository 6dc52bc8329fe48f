import { basename, relative } from 'node:path';
import { DepotError, messageOf } from '../domain/errors.ts';
import { readArchive, readSignatureFile, signaturePath } from './archive-signature.ts';
import { digestContent } from './content-digest.ts';
import type { SignatureFault, SignatureVerdict, SignatureVerifier } from './signature.ts';

/** One archive as a lock file promises it. */
export interface LockedArchive {
  /** Path below the lock file's folder, with `/`. */
  readonly file: string;
  /** Hex, lower case. */
  readonly sha256: string;
  readonly size?: number;
}

/** A lock file that was read. */
export interface ReadLock {
  /** The folder that its files are in. */
  readonly folder: string;
  readonly archives: readonly LockedArchive[];
}

/** What was found for one archive. Plain data. */
export interface VerifiedItem {
  readonly path: string;
  readonly ok: boolean;
  readonly archive: 'whole' | 'broken' | 'absent';
  /** `none`: there is no lock file for it. */
  readonly lock: 'agrees' | 'differs' | 'unlisted' | 'none';
  readonly signature: 'good' | SignatureFault | 'unchecked';
  readonly signer?: string;
  readonly signedAt?: Date;
  readonly sha256?: string;
  /** Every fault, in words. */
  readonly reasons: readonly string[];
}

/** What a set is checked with. */
export interface SetChecks {
  /** Reads the whole archive; throws DepotError where it isn't whole or isn't what its name says. */
  checkArchive(path: string): Promise<void>;
  /** Absent: signatures aren't checked. */
  readonly verifier?: SignatureVerifier | undefined;
  readonly lock?: ReadLock | undefined;
}

/** Checks one archive: whole, as the lock file says, signed by a trusted key. Throws only what a keyring can throw. */
export const verifyItem = async (path: string, checks: SetChecks): Promise<VerifiedItem> => {
  const reasons: string[] = [];
  const broken = await checks.checkArchive(path).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
  if (broken !== undefined) {
    reasons.push(broken);
  }
  const read = await readSigned(path, checks.verifier);
  if (read.problem !== undefined && broken === undefined) {
    reasons.push(read.problem);
  }
  const lock = lockStanding(path, read.sha256, checks.lock);
  if (lock === 'differs') {
    reasons.push('its sha256 is not the one of the lock file');
  } else if (lock === 'unlisted') {
    reasons.push('it is not in the lock file');
  }
  const { verdict } = read;
  if (verdict !== undefined && verdict.state !== 'good') {
    reasons.push(verdict.reason);
  }
  return {
    path,
    ok: reasons.length === 0,
    archive: broken === undefined && read.problem === undefined ? 'whole' : 'broken',
    lock,
    signature: verdict?.state ?? 'unchecked',
    ...signerOf(verdict),
    ...(read.sha256 === undefined ? {} : { sha256: read.sha256 }),
    reasons,
  };
};

/** Archives that the lock file has and the folder hasn't. */
export const absentItems = (archives: readonly string[], lock: ReadLock): readonly VerifiedItem[] => {
  const present = new Set(archives.map((path) => lockedName(path, lock)));
  return lock.archives
    .filter(({ file }) => !present.has(file))
    .map(({ file }) => ({
      path: `${lock.folder}/${file}`,
      ok: false,
      archive: 'absent',
      lock: 'differs',
      signature: 'unchecked',
      reasons: ['it is in the lock file, but not here'],
    }));
};

interface SignedContent {
  readonly sha256?: string;
  readonly verdict?: SignatureVerdict;
  readonly problem?: string;
}

const readSigned = async (path: string, verifier: SignatureVerifier | undefined): Promise<SignedContent> => {
  try {
    const content = digestContent(await readArchive(path));
    const signature = verifier === undefined ? '' : await readSignatureFile(signaturePath(path));
    const verdict = await verifier?.verify(content.data, signature);
    const sha256 = verdict?.state === 'good' ? content.digest() : await digestOf(path);
    return { sha256, ...(verdict === undefined ? {} : { verdict }) };
  } catch (error) {
    if (error instanceof DepotError && error.code === 'SIGNED_FILE_UNREADABLE') {
      return { problem: error.message };
    }
    throw error;
  }
};

// A verifier stops reading as soon as the content can't matter any more, so its pass doesn't always have the digest.
const digestOf = async (path: string): Promise<string> => {
  const content = digestContent(await readArchive(path));
  if (!(content.data instanceof Uint8Array)) {
    for await (const chunk of content.data) {
      void chunk;
    }
  }
  return content.digest();
};

const signerOf = (verdict: SignatureVerdict | undefined): { signer?: string; signedAt?: Date } => {
  if (verdict?.state === 'good') {
    return { signer: verdict.fingerprint, signedAt: verdict.signedAt };
  }
  return verdict?.issuer === undefined ? {} : { signer: verdict.issuer };
};

const lockedName = (path: string, lock: ReadLock): string => {
  const name = relative(lock.folder, path).replaceAll('\\', '/');
  return name === '' ? basename(path) : name;
};

const lockStanding = (
  path: string,
  sha256: string | undefined,
  lock: ReadLock | undefined,
): VerifiedItem['lock'] => {
  if (lock === undefined) {
    return 'none';
  }
  const entry = lock.archives.find(({ file }) => file === lockedName(path, lock));
  if (entry === undefined) {
    return 'unlisted';
  }
  return entry.sha256.toLowerCase() === sha256 ? 'agrees' : 'differs';
};
