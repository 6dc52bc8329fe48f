import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { DepotError, messageOf } from '../domain/errors.ts';
import { readArchive, readSignatureFile, refuseOddFile, signaturePath } from './archive-signature.ts';
import { digestContent, digestWhole } from './content-digest.ts';
import { lockStanding, type LockStanding, type ReadContent } from './lock-standing.ts';
import { absentEntries, lockedEntry, type ReadLock } from './locked-archive.ts';
import { inspectOriginal, originalFault, type OriginalSignature } from './original-signature.ts';
import { signerOf, type SignatureFault, type SignatureVerdict, type SignatureVerifier } from './signature.ts';

/** What was found for one archive. Plain data. */
export interface VerifiedItem {
  readonly path: string;
  readonly ok: boolean;
  /** `unread`: it is a bundle that nobody vouches for. */
  readonly archive: 'whole' | 'broken' | 'absent' | 'unread';
  readonly lock: LockStanding;
  readonly signature: 'good' | SignatureFault | 'unchecked';
  readonly signer?: string;
  readonly signedAt?: Date;
  readonly sha256?: string;
  /** Absent where the archive has the signature that it came with, or none. */
  readonly original?: OriginalSignature;
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
export const verifyItem = async (
  path: string,
  { checkArchive, verifier, lock }: SetChecks,
): Promise<VerifiedItem> => {
  const broken = await refuseOddFile(path)
    .then(() => checkArchive(path))
    .then(
      () => undefined,
      (error: unknown) => messageOf(error),
    );
  const read = await readSigned(path, verifier);
  const fault = broken ?? read.problem;
  const { verdict } = read;
  const locked = lock && lockedEntry(path, lock);
  const original = await inspectOriginal(path, locked, verifier);
  const standing = lock ? lockStanding(locked, read, original) : unlocked;
  const reasons = [
    fault,
    ...standing.reasons,
    verdict === undefined || verdict.state === 'good' ? undefined : verdict.reason,
    originalFault(path, original),
  ].filter((reason) => reason !== undefined);
  return {
    path,
    ok: reasons.length === 0,
    archive: fault === undefined ? 'whole' : 'broken',
    lock: standing.lock,
    signature: verdict?.state ?? 'unchecked',
    ...signerOf(verdict),
    ...(read.sha256 === undefined ? {} : { sha256: read.sha256 }),
    ...(original === undefined ? {} : { original }),
    reasons,
  };
};

const unlocked = { lock: 'none', reasons: [] } as const;

/** Archives that the lock file has and the folder hasn't. */
export const absentItems = (archives: readonly string[], lock: ReadLock): readonly VerifiedItem[] =>
  absentEntries(archives, lock).map(({ file }) => ({
    path: `${lock.folder}/${file}`,
    ok: false,
    archive: 'absent',
    lock: 'differs',
    signature: 'unchecked',
    reasons: ['it is in the lock file, but not here'],
  }));

interface SignedContent extends ReadContent {
  readonly problem?: string;
}

const readSigned = async (path: string, verifier: SignatureVerifier | undefined): Promise<SignedContent> => {
  try {
    const content = digestContent(await readArchive(path));
    const verdict = verifier && (await verdictOf(path, content.data, verifier));
    // A verifier stops reading as soon as the content can't matter any more, so its pass doesn't always have the digest.
    const sha256 =
      verdict?.state === 'good' ? content.digest() : await digestWhole(path, await readArchive(path));
    const size = (await stat(path).catch(() => undefined))?.size;
    return { sha256, ...(size === undefined ? {} : { size }), ...(verdict === undefined ? {} : { verdict }) };
  } catch (error) {
    if (error instanceof DepotError && error.code === 'SIGNED_FILE_UNREADABLE') {
      return { problem: error.message };
    }
    throw error;
  }
};

/** A signature that can't be read is a fault of its own, not of the archive. */
const verdictOf = async (
  path: string,
  data: Readable | Uint8Array,
  verifier: SignatureVerifier,
): Promise<SignatureVerdict> => {
  const file = signaturePath(path);
  try {
    return await verifier.verify(data, await readSignatureFile(file));
  } catch (error) {
    if (
      error instanceof DepotError &&
      error.code === 'SIGNED_FILE_UNREADABLE' &&
      error.details['path'] === file
    ) {
      return { state: 'malformed', reason: `${basename(file)}: ${String(error.details['reason'])}` };
    }
    throw error;
  } finally {
    if (data instanceof Readable) {
      data.destroy();
    }
  }
};
