import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, relative } from 'node:path';
import { Readable } from 'node:stream';
import { DepotError, messageOf } from '../domain/errors.ts';
import {
  originalSignaturePath,
  readArchive,
  readSignatureFile,
  refuseOddFile,
  signaturePath,
} from './archive-signature.ts';
import { digestContent, digestWhole } from './content-digest.ts';
import type { SignatureFault, SignatureVerdict, SignatureVerifier } from './signature.ts';

/** One archive as a lock file promises it. */
export interface LockedArchive {
  /** Path below the lock file's folder, with `/`. */
  readonly file: string;
  /** Hex, lower case. */
  readonly sha256: string;
  readonly size?: number;
  /** Fingerprint of the primary key that signed it when it came, or after it was changed. */
  readonly signer?: string;
  /** What it was when it came, where it was changed and signed anew. */
  readonly original?: {
    readonly sha256: string;
    readonly signer?: string;
    readonly signature?: { readonly sha256: string };
  };
}

/**
 * What the signature that an archive came with, `X.zip.sig.orig`, is good for.
 * - a verdict: it was held against the archive, whose bytes are as they came;
 * - `kept`: the archive was changed; it is the signature that the lock file has, over the archive of digest `sha256`;
 * - `differs`, `lost`: it should be that one, but is another, or isn't there.
 */
export interface OriginalSignature {
  readonly state: 'good' | SignatureFault | 'kept' | 'differs' | 'lost';
  readonly signer?: string;
  /** Of the archive as it came, where that is another than the one that is here. */
  readonly sha256?: string;
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
  /** `unread`: it is a bundle that nobody vouches for. */
  readonly archive: 'whole' | 'broken' | 'absent' | 'unread';
  /** `none`: there is no lock file for it. */
  readonly lock: 'agrees' | 'differs' | 'unlisted' | 'none';
  readonly signature: 'good' | SignatureFault | 'unchecked';
  readonly signer?: string;
  readonly signedAt?: Date;
  readonly sha256?: string;
  /** Absent where the archive has the signature that it came with, or none. */
  readonly original?: OriginalSignature;
  /** Every fault, in words. */
  readonly reasons: readonly string[];
}

/** Why what no lock file names is bad. */
export const unlistedReason =
  'it is not in the lock file: no longer wanted (`sync --prune` removes it), or put there by another way';

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
  const broken = await refuseOddFile(path)
    .then(() => checks.checkArchive(path))
    .then(
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
  const { verdict } = read;
  const original = await originalOf(path, checks);
  const standing = lockStanding(path, read, original, checks.lock);
  reasons.push(...standing.reasons);
  if (verdict !== undefined && verdict.state !== 'good') {
    reasons.push(verdict.reason);
  }
  if (original?.state === 'lost') {
    reasons.push(`${basename(originalSignaturePath(path))}, the signature that it came with, is missing`);
  } else if (original?.state === 'differs') {
    reasons.push(
      `${basename(originalSignaturePath(path))} is another signature than the lock file says it came with`,
    );
  }
  return {
    path,
    ok: reasons.length === 0,
    archive: broken === undefined && read.problem === undefined ? 'whole' : 'broken',
    lock: standing.lock,
    signature: verdict?.state ?? 'unchecked',
    ...signerOf(verdict),
    ...(read.sha256 === undefined ? {} : { sha256: read.sha256 }),
    ...(original === undefined ? {} : { original }),
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
  readonly size?: number;
  readonly verdict?: SignatureVerdict;
  readonly problem?: string;
}

const readSigned = async (path: string, verifier: SignatureVerifier | undefined): Promise<SignedContent> => {
  try {
    const content = digestContent(await readArchive(path));
    const verdict = verifier && (await verdictOf(path, content.data, verifier));
    const sha256 = verdict?.state === 'good' ? content.digest() : await digestOf(path);
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

// A verifier stops reading as soon as the content can't matter any more, so its pass doesn't always have the digest.
const digestOf = async (path: string): Promise<string> => digestWhole(path, await readArchive(path));

// Only what a lock file promises decides: without one, nobody knows whether the archive was changed since it was signed.
const originalOf = async (path: string, checks: SetChecks): Promise<OriginalSignature | undefined> => {
  const { verifier, lock } = checks;
  const entry = lock && lockedEntry(path, lock);
  const locked = entry?.original;
  const text = await readSignatureFile(originalSignaturePath(path)).catch(() => '');
  if (locked?.signature !== undefined) {
    const isSame = createHash('sha256').update(text).digest('hex') === locked.signature.sha256;
    if (!isSame || locked.sha256 !== entry?.sha256) {
      return {
        state: isSame ? 'kept' : text === '' ? 'lost' : 'differs',
        ...(locked.signer === undefined ? {} : { signer: locked.signer }),
        sha256: locked.sha256,
      };
    }
  }
  if (text.trim() === '' || verifier === undefined) {
    return undefined;
  }
  const verdict = await verifier.verify(await readArchive(path), text);
  const { signer } = signerOf(verdict);
  return { state: verdict.state, ...(signer === undefined ? {} : { signer }) };
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

const lockedEntry = (path: string, lock: ReadLock): LockedArchive | undefined => {
  const name = lockedName(path, lock);
  return lock.archives.find(({ file }) => file === name);
};

/** How an archive stands to its lock file, and every fault in words. */
const lockStanding = (
  path: string,
  { sha256, size, verdict }: SignedContent,
  original: OriginalSignature | undefined,
  lock: ReadLock | undefined,
): { readonly lock: VerifiedItem['lock']; readonly reasons: readonly string[] } => {
  const entry = lock && lockedEntry(path, lock);
  if (entry === undefined) {
    return lock ? { lock: 'unlisted', reasons: [unlistedReason] } : { lock: 'none', reasons: [] };
  }
  if (entry.sha256.toLowerCase() !== sha256) {
    return { lock: 'differs', reasons: ['its sha256 is not the one of the lock file'] };
  }
  const reasons: string[] = [];
  if (entry.size !== undefined && size !== undefined && entry.size !== size) {
    reasons.push(`it has ${size} bytes, and the lock file says ${entry.size}`);
  }
  if (verdict?.state === 'good' && !isSignerOf(entry, verdict.fingerprint, original)) {
    reasons.push(`it is signed by another key than the lock file says (${entry.signer})`);
  }
  return { lock: reasons.length === 0 ? 'agrees' : 'differs', reasons };
};

/** The one that the lock file has, or who signed it anew, where the signature that it came with is beside it. */
const isSignerOf = (
  { signer }: LockedArchive,
  fingerprint: string,
  original: OriginalSignature | undefined,
): boolean => {
  if (signer === undefined || signer === fingerprint) {
    return true;
  }
  // The keyring inside may trust the site's key alone: then nobody can say more of the original than that it is there.
  const unproven: readonly OriginalSignature['state'][] = [
    'unknown-key',
    'expired-key',
    'revoked-key',
    'weak',
  ];
  return original?.state === 'good'
    ? original.signer === signer
    : original !== undefined && unproven.includes(original.state);
};
