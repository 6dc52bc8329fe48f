import { digestZip } from '../archive/zip-digest.ts';
import { DepotError } from '../domain/errors.ts';
import type { SignatureDecision } from '../signing/policy.ts';
import type { PackageRef } from '../source/source.ts';

/**
 * Tells whether a package still holds what it held, without opening it. Undefined where only reading it all would tell
 * (folders, odd archives) and where it can't be read.
 */
export async function digestPackage(
  ref: PackageRef,
  decision: SignatureDecision,
): Promise<string | undefined> {
  if (ref.kind !== 'zip') {
    return undefined;
  }
  try {
    const content = await digestZip(ref.path);
    return content === undefined ? undefined : `${content} ${JSON.stringify(decision)}`;
  } catch (error) {
    if (error instanceof DepotError) {
      return undefined;
    }
    throw error;
  }
}
