import { originalSignaturePath, readArchive, readSignatureFile, signaturePath } from './archive-signature.ts';
import { digestContent } from './content-digest.ts';
import type { SignatureVerdict, SignatureVerifier } from './signature.ts';

/** Who may vouch for an archive. */
export interface SignatureJudges {
  /** Trusts the site key alone. */
  readonly site: SignatureVerifier;
  /** Trusts the keyring. */
  readonly keyring: SignatureVerifier;
}

/**
 * What an archive's signatures say before anything is changed.
 * - `site-signed`: the `.sig` is the site key's and good: nothing is to be done;
 * - `unsigned`: there is no `.sig`;
 * - `vouched`: a signature by a key of the keyring is good, `by` its fingerprint, and `sha256` is of the bytes that were
 *   checked; `held` says whether it is the `.sig` itself or the original beside it;
 * - `refused`: there is a `.sig`, but nothing vouches for the archive.
 */
export type ArchiveStanding =
  | { readonly state: 'site-signed'; readonly archive: string }
  | { readonly state: 'unsigned'; readonly archive: string }
  | {
      readonly state: 'vouched';
      readonly archive: string;
      readonly by: string;
      readonly sha256: string;
      readonly held: 'signature' | 'original';
      /** The signature that vouched, as it was read. */
      readonly signature: string;
    }
  | { readonly state: 'refused'; readonly archive: string; readonly verdict: SignatureVerdict };

/** Looks at one archive's signatures. Throws SIGNED_FILE_UNREADABLE and what a keyring can throw. */
export const inspectStanding = async (archive: string, judges: SignatureJudges): Promise<ArchiveStanding> => {
  const current = await readSignatureFile(signaturePath(archive));
  const original = await readSignatureFile(originalSignaturePath(archive));
  if (current.trim() === '' && original.trim() === '') {
    return { state: 'unsigned', archive };
  }
  if (current.trim() !== '') {
    const site = await judges.site.verify(await readArchive(archive), current);
    if (site.state === 'good') {
      return { state: 'site-signed', archive };
    }
  }
  const byCurrent = await vouch(archive, current, judges.keyring);
  if ('sha256' in byCurrent) {
    return { state: 'vouched', archive, ...byCurrent, held: 'signature', signature: current };
  }
  // A set that an older, lost site key signed still has the signatures that it came with.
  const byOriginal = await vouch(archive, original, judges.keyring);
  if ('sha256' in byOriginal) {
    return { state: 'vouched', archive, ...byOriginal, held: 'original', signature: original };
  }
  return {
    state: 'refused',
    archive,
    verdict: current.trim() === '' ? byOriginal.verdict : byCurrent.verdict,
  };
};

const vouch = async (
  archive: string,
  signature: string,
  verifier: SignatureVerifier,
): Promise<{ readonly by: string; readonly sha256: string } | { readonly verdict: SignatureVerdict }> => {
  if (signature.trim() === '') {
    return { verdict: { state: 'missing', reason: 'there is no signature' } };
  }
  const content = digestContent(await readArchive(archive));
  const verdict = await verifier.verify(content.data, signature);
  return verdict.state === 'good' ? { by: verdict.fingerprint, sha256: content.digest() } : { verdict };
};
