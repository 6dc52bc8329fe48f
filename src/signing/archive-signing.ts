import { readFile } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { originalSignaturePath, readArchive, readSignatureFile, signaturePath } from './archive-signature.ts';
import type { ArchiveStanding, SignatureJudges } from './archive-standing.ts';
import { digestContent } from './content-digest.ts';
import { writeProblem } from './file-problem.ts';
import type { Signer, SignatureVerifier } from './signature.ts';

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
