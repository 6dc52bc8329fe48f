import { readFile, stat } from 'node:fs/promises';
import { digestOf } from '../../files/digest.ts';
import type { SignatureVerdict } from '../../signing/signature.ts';
import type { Facts } from './journal.ts';
import type { Layout } from './layout.ts';

/** Milliseconds by which a signature may be younger than its archive: both were written within one download. */
const withinOneRun = 60_000;

/**
 * Whether the signature that an archive was checked with is still beside it: as `.sig`, or as `.sig.orig` where the archive was
 * signed anew. It is read only where its size or its time says that it may have changed; `modified` is the archive's time.
 */
export const hasItsSignature = async (
  { id, signature, original }: Facts,
  modified: number,
  layout: Layout,
): Promise<boolean> => {
  // Of a stripped package the site key's own signature is noted, which may be made again at any time.
  if (!signature || original) {
    return true;
  }
  const stats = await stat(layout.signature(id)).catch(() => undefined);
  if (stats?.size === signature.size && stats.mtimeMs <= modified + withinOneRun) {
    return true;
  }
  for (const file of [layout.signature(id), layout.originalSignature(id)]) {
    const content = await readFile(file).catch(() => undefined);
    if (content && digestOf(content) === signature.sha256) {
      return true;
    }
  }
  return false;
};

/** For the facts of what was signed: until when that counts, where the signature has an end of its own. */
export const endOfSignature = (verdict: SignatureVerdict | undefined): Pick<Facts, 'signedUntil'> =>
  verdict?.state === 'good' && verdict.expiresAt ? { signedUntil: verdict.expiresAt.getTime() } : {};
