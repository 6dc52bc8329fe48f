import { basename } from 'node:path';
import { digestOf } from '../files/digest.ts';
import { originalSignaturePath, readArchive, readSignatureFile } from './archive-signature.ts';
import type { LockedArchive } from './locked-archive.ts';
import { signerOf, type SignatureFault, type SignatureVerifier } from './signature.ts';

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

/**
 * Looks at it; `locked` is what the lock file says of the archive. Only what a lock file promises decides: without one, nobody knows
 * whether the archive was changed since it was signed. Undefined where there is none, and none is promised.
 */
export const inspectOriginal = async (
  path: string,
  locked: LockedArchive | undefined,
  verifier: SignatureVerifier | undefined,
): Promise<OriginalSignature | undefined> => {
  const text = await readSignatureFile(originalSignaturePath(path)).catch(() => '');
  const promised = locked?.original;
  if (promised?.signature !== undefined) {
    const isSame = digestOf(text) === promised.signature.sha256;
    if (!isSame || promised.sha256 !== locked?.sha256) {
      return {
        state: isSame ? 'kept' : text === '' ? 'lost' : 'differs',
        ...(promised.signer === undefined ? {} : { signer: promised.signer }),
        sha256: promised.sha256,
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

/** What is wrong with it, where the lock file promises it. */
export const originalFault = (path: string, original: OriginalSignature | undefined): string | undefined => {
  const file = basename(originalSignaturePath(path));
  if (original?.state === 'lost') {
    return `${file}, the signature that it came with, is missing`;
  }
  return original?.state === 'differs'
    ? `${file} is another signature than the lock file says it came with`
    : undefined;
};
