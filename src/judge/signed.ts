import { readFile } from 'node:fs/promises';
import { isArmoredSignature, maxSignatureBytes } from '../source/armor.ts';
import type { PackageRef } from '../source/source.ts';

/** Whether the `.sig` is there and is really ASCII armor with a signature in it. */
export async function hasSignature(ref: PackageRef): Promise<boolean> {
  if (!ref.signature || ref.signature.size > maxSignatureBytes) {
    return false;
  }
  return isArmoredSignature(await readFile(ref.signature.path).catch(() => new Uint8Array()));
}
