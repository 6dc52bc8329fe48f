import { DepotError } from '../domain/errors.ts';
import { dismiss, readBody, showUrl, Transient } from '../net/http.ts';
import { withRetries } from '../net/retry.ts';
import { requestWithin } from '../net/upstream-hosts.ts';
import { maxSignatureBytes } from '../signing/signature.ts';
import type { DownloadSettings } from './download.ts';
import type { PlanItem } from './plan.ts';

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
  const url = item.signatureUrl;
  const signature = await withRetries(deps.retry, deps.signal, async () => {
    const answer = await requestWithin(
      deps.client,
      { url, expectsLength: true, ...(deps.signal ? { signal: deps.signal } : {}) },
      deps.policy,
    );
    if (answer.status === 404 || answer.status === 410) {
      return dismiss(answer);
    }
    if (answer.status !== 200) {
      dismiss(answer);
      throw new DepotError('UPSTREAM_ANSWER', {
        url: showUrl(url),
        reason: `the server answered ${answer.status}`,
      });
    }
    try {
      return (await readBody(answer, maxSignatureBytes)).toString('utf8');
    } catch (error) {
      if (error instanceof DepotError) {
        throw error;
      }
      throw new Transient(
        new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason: 'the answer was cut' }, error),
      );
    }
  });
  const file = `${item.id}.zip.sig`;
  if (signature === undefined) {
    if (deps.requireSignature) {
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
