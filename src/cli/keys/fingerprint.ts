import { DepotError } from '../../domain/errors.ts';
import { parseFingerprint } from '../../signing/fingerprint.ts';

/** Reads the full fingerprint of a key, with or without spaces. Throws DepotError USAGE for a key id, which is shorter. */
export const fullFingerprint = (text: string): string => {
  const fingerprint = parseFingerprint(text);
  if (fingerprint === undefined) {
    throw new DepotError('USAGE', {
      reason: `"${text}" is no full fingerprint (40 or 64 hex digits); a key id can be forged`,
    });
  }
  return fingerprint;
};
