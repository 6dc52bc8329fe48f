import { DepotError } from '../../domain/errors.ts';
import { showUrl } from '../../net/http.ts';
import { maxSignatureBytes } from '../../signing/signature.ts';
import type { DownloadSettings } from '../transfer/download-types.ts';
import type { PlanItem } from '../planning/plan.ts';
import { askPresence } from '../transfer/presence.ts';
import { fetchSmall } from '../transfer/small-fetch.ts';

/** What fetching a signature needs. */
export interface SignatureDeps extends DownloadSettings {
  readonly requireSignature: boolean;
  readonly signal?: AbortSignal;
}

/**
 * The armored signature of a package; undefined where there is none, or none is wanted. Throws DepotError SIGNATURE_REFUSED
 * where one is required, or what came is none.
 */
export async function fetchSignature(item: PlanItem, deps: SignatureDeps): Promise<string | undefined> {
  if (item.locked ? !item.locked.signature : item.unsigned && !deps.requireSignature) {
    return undefined;
  }
  const { client, policy, retry, signal } = deps;
  const fetching = { client, policy, retry, ...(signal ? { signal } : {}) };
  const body = await fetchSmall(item.signatureUrl, fetching, maxSignatureBytes);
  const signature = body?.toString('utf8');
  const file = `${item.id}.zip.sig`;
  if (signature === undefined) {
    if (deps.requireSignature) {
      // Of a package that isn't there at all, nobody should look for the key.
      if ((await askPresence(item.archiveUrl, fetching)).isAbsent) {
        throw new DepotError('PACKAGE_ABSENT', { url: showUrl(item.archiveUrl) });
      }
      throw new DepotError('SIGNATURE_REFUSED', { file, reason: 'the upstream has no signature' });
    }
    return undefined;
  }
  // Kibana fails an installation on a .sig that isn't armor, even a forced one: such a file is never placed.
  if (!signature.includes('-----BEGIN PGP SIGNATURE-----')) {
    throw new DepotError('SIGNATURE_REFUSED', {
      file,
      reason: 'the upstream sent something that is no armored signature',
    });
  }
  return signature;
}
