import { readFile } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { originalSignaturePath, readArchive, readSignatureFile, signaturePath } from './archive-signature.ts';
import { digestContent } from './content-digest.ts';
import type { SignatureVerdict, SignatureVerifier, Signer } from './signature.ts';
import { writeProblem } from './write-problem.ts';

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

/** Signs an archive that has no signature yet. Throws SIGNING_FAILED, also where a `.sig` has appeared meanwhile. */
export const signArchive = async (archive: string, signer: Signer): Promise<void> => {
  await changing(archive, async () => {
    const signature = await signer.sign(await readArchive(archive));
    await writeDurably(signaturePath(archive), signature, { mode: 0o644, exclusive: true });
  });
};

/**
 * Signs an archive anew that was vouched for. The bytes that are signed must be those that were checked. The signature
 * that it came with is kept as `X.zip.sig.orig` first; only then the new one takes its name. A cut between the two
 * leaves the old signature in force, and the next run goes on from there. Throws SIGNING_FAILED.
 */
export const resignArchive = async (
  standing: Extract<ArchiveStanding, { state: 'vouched' }>,
  signer: Signer,
  judges: SignatureJudges,
): Promise<void> => {
  const { archive } = standing;
  await changing(archive, async () => {
    const content = digestContent(await readArchive(archive));
    const signature = await signer.sign(content.data);
    if (content.digest() !== standing.sha256) {
      throw new Error('the archive was changed after its signature was verified');
    }
    if (standing.held === 'signature') {
      await keepOriginal(archive, standing.signature, judges.keyring);
    }
    await writeDurably(signaturePath(archive), signature, { mode: 0o644 });
  });
};

// The first original stays, however often a set is signed anew: it is the one that came with the archive. It only gives
// way where it provably belongs to other content, as after the archive was replaced by another build.
const keepOriginal = async (
  archive: string,
  verified: string,
  verifier: SignatureVerifier,
): Promise<void> => {
  const kept = originalSignaturePath(archive);
  const bytes = await readFile(signaturePath(archive));
  // Another run may have put the site's signature there meanwhile: it must never be kept as the original.
  if (bytes.toString() !== verified) {
    throw new Error('its signature was changed after it was verified');
  }
  const present = await readSignatureFile(kept);
  if (present.trim() !== '') {
    const verdict = await verifier.verify(await readArchive(archive), present);
    if (verdict.state !== 'bad' && verdict.state !== 'malformed') {
      return;
    }
  }
  await writeDurably(kept, bytes, { mode: 0o644 });
};

const changing = async (archive: string, change: () => Promise<void>): Promise<void> => {
  try {
    await change();
  } catch (error) {
    throw new DepotError('SIGNING_FAILED', { label: archive, reason: writeProblem(error) }, error);
  }
};
