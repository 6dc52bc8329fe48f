import { DepotError } from '../domain/errors.ts';
import { verifyArchive } from './archive-signature.ts';
import type { SignatureVerdict } from './signature.ts';
import { createVerifier, fixedKeys } from './verify.ts';

/** A batch for one worker thread: plain data. Batches of some dozens pay for the keys being parsed once for each. */
export interface VerifyBatch {
  /** Archives; each one's signature is beside it. */
  readonly paths: readonly string[];
  /** Armored public keys (`keyring.armoredKeys()`). */
  readonly keys: readonly string[];
  readonly expiredKeys?: 'refuse' | 'signed-before';
}

/** A verdict for each path, in the same order; or why the file couldn't be read. */
export type BatchVerdict = SignatureVerdict | { readonly state: 'unreadable'; readonly reason: string };

/** Verifies a batch of archives. A pool of worker threads (piscina) calls it by its name: `{ name: 'verifyBatch' }`. */
export const verifyBatch = async (batch: VerifyBatch): Promise<BatchVerdict[]> => {
  const options = batch.expiredKeys === undefined ? {} : { expiredKeys: batch.expiredKeys };
  const verifier = createVerifier(fixedKeys(batch.keys), options);
  const verdicts: BatchVerdict[] = [];
  for (const path of batch.paths) {
    verdicts.push(
      await verifyArchive(verifier, path).catch((error: unknown) => {
        if (error instanceof DepotError && error.code === 'SIGNED_FILE_UNREADABLE') {
          return { state: 'unreadable' as const, reason: error.message };
        }
        throw error;
      }),
    );
  }
  return verdicts;
};
