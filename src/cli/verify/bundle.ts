import { openBundle } from '../../bundle/bundle.ts';
import { contentsOf } from '../../bundle/manifest.ts';
import { verifyBundle } from '../../bundle/verify.ts';
import { DepotError } from '../../domain/errors.ts';
import type { SignatureFault } from '../../signing/signature.ts';
import type { VerifiedItem } from '../../signing/verified-archive.ts';
import type { VerifyDeps } from './deps.ts';

/** How `fleet-depot verify FILE` checks a bundle or one volume of it: an item for each file that it holds. */
export const checkBundle: NonNullable<VerifyDeps['verifyBundle']> = async (file, verifier, note) => {
  try {
    const bundle = await openBundle([file], { verifier, allowUnsigned: false, allowPartial: true });
    await verifyBundle(bundle, () => undefined);
    const { trust, manifest, volumes, absent } = bundle;
    if (absent.length > 0) {
      note(
        `${file} is volume ${volumes[0]?.number} of ${manifest.volumes}: only its own files were checked (\`bundle verify\` takes all volumes)`,
      );
    }
    const signer = trust.state === 'signed' ? { signer: trust.fingerprint, signedAt: trust.signedAt } : {};
    return volumes
      .flatMap((volume) => contentsOf(manifest, volume.number))
      .map(({ path: name, sha256 }) => ({
        path: `${file}: ${name}`,
        ok: true,
        archive: 'whole',
        lock: 'none',
        signature: 'good',
        sha256,
        ...signer,
        reasons: [],
      }));
  } catch (error) {
    if (!(error instanceof DepotError)) {
      throw error;
    }
    return [refusedItem(file, error)];
  }
};

const refusedItem = (file: string, error: DepotError): VerifiedItem => {
  const { state } = error.details;
  const signature =
    error.code === 'BUNDLE_UNSIGNED'
      ? 'missing'
      : error.code === 'BUNDLE_UNTRUSTED'
        ? (state as SignatureFault)
        : 'unchecked';
  // Where the list can't be trusted, nothing that it names is read.
  const archive = signature === 'unchecked' ? 'broken' : 'unread';
  return { path: file, ok: false, archive, lock: 'none', signature, reasons: [error.message] };
};
