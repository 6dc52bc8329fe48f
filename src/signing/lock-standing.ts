import { unlistedReason, type LockedArchive } from './locked-archive.ts';
import type { OriginalSignature } from './original-signature.ts';
import type { SignatureVerdict } from './signature.ts';

/** `none`: there is no lock file for it. */
export type LockStanding = 'agrees' | 'differs' | 'unlisted' | 'none';

/** What was read of an archive. */
export interface ReadContent {
  readonly sha256?: string;
  readonly size?: number;
  readonly verdict?: SignatureVerdict;
}

/** How an archive stands to what its lock file says of it (undefined: nothing), and every fault in words. */
export const lockStanding = (
  entry: LockedArchive | undefined,
  { sha256, size, verdict }: ReadContent,
  original: OriginalSignature | undefined,
): { readonly lock: LockStanding; readonly reasons: readonly string[] } => {
  if (entry === undefined) {
    return { lock: 'unlisted', reasons: [unlistedReason] };
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

// The keyring inside may trust the site's key alone: then nobody can say more of the original than that it is there.
const unproven: readonly OriginalSignature['state'][] = ['unknown-key', 'expired-key', 'revoked-key', 'weak'];

/** The one that the lock file has, or who signed it anew, where the signature that it came with is beside it. */
const isSignerOf = (
  { signer }: LockedArchive,
  fingerprint: string,
  original: OriginalSignature | undefined,
): boolean => {
  if (signer === undefined || signer === fingerprint) {
    return true;
  }
  return original?.state === 'good'
    ? original.signer === signer
    : original !== undefined && unproven.includes(original.state);
};
