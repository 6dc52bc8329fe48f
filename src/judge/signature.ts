import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { readIssuer } from '../signing/detached.ts';
import type { SignatureDecision, SignatureFacts, SignatureRules } from '../signing/policy.ts';
import { decideSignature } from '../signing/policy.ts';
import { createVerifier, fixedKeys } from '../signing/verifier.ts';
import { isArmoredSignature, maxSignatureBytes } from '../source/armor.ts';
import type { PackageRef } from '../source/source.ts';

/** The rules for signatures with the keys that are trusted, as plain data for other processes. */
export interface SignatureTrust extends SignatureRules {
  /** Armored public keys; only the policy `verified` needs them. */
  readonly keys: readonly string[];
}

/** Decides by its `.sig` what becomes of a package. Reads the whole archive only where the policy is `verified`. */
export async function judgeSignature(ref: PackageRef, trust: SignatureTrust): Promise<SignatureDecision> {
  if (ref.kind === 'folder' && trust.policy === 'present') {
    // A folder is zipped for each answer: there is no archive that anybody could have signed.
    return { served: true, showSignature: false };
  }
  return decideSignature(trust, await readFacts(ref, trust));
}

async function readFacts(ref: PackageRef, trust: SignatureTrust): Promise<SignatureFacts> {
  const { signature } = ref;
  if (!signature) {
    return { present: false, armored: false };
  }
  const bytes =
    signature.size > maxSignatureBytes ? undefined : await readFile(signature.path).catch(() => undefined);
  if (!bytes || !isArmoredSignature(bytes)) {
    return { present: true, armored: false };
  }
  const armor = bytes.toString();
  if (trust.policy === 'verified') {
    const verdict = await createVerifier(fixedKeys(trust.keys)).verify(createReadStream(ref.path), armor);
    return { present: true, armored: true, verdict };
  }
  const issuer = trust.foreign === 'hide' ? await readIssuer(armor) : undefined;
  return { present: true, armored: true, ...(issuer === undefined ? {} : { issuer }) };
}
