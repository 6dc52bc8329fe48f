import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileProblem } from '../archive/file-problem.ts';
import { DepotError } from '../domain/errors.ts';
import { maxKeyFileBytes, readPublicKeys, type PublicKeyInfo } from '../signing/public-key.ts';
import { good, quarantined, type Judgement } from './artifact.ts';
import type { FoundFile } from './inventory.ts';

/** A key file with its keys. */
export interface JudgedKeys {
  readonly judgement: Judgement;
  /** Also those that have expired or were revoked, with this state. */
  readonly keys: readonly PublicKeyInfo[];
}

/**
 * Judges a file that agents and fleet-server take keys from. fleet-server stores whatever it gets, so that a web page
 * under a key's name would break upgrades for good.
 */
export const judgeKeyFile = async (file: FoundFile): Promise<JudgedKeys> => {
  const refuse = (reason: string): JudgedKeys => ({ judgement: quarantined([reason]), keys: [] });
  if (file.size > maxKeyFileBytes) {
    return refuse(`has ${file.size} bytes, which is no key`);
  }
  let bytes: Buffer;
  try {
    bytes = await readFile(file.absolute);
  } catch (error) {
    return refuse(`cannot be read: ${fileProblem(error)}`);
  }
  if (/^\s*</.test(bytes.subarray(0, 64).toString('latin1'))) {
    return refuse('is a web page, not a key');
  }
  let keys: PublicKeyInfo[];
  try {
    keys = await readPublicKeys(bytes, file.path);
  } catch (error) {
    if (!(error instanceof DepotError)) {
      throw error;
    }
    return refuse(
      error.code === 'KEY_SECRET'
        ? 'has a private key in it, which must never be served'
        : 'has no OpenPGP public key that can be read',
    );
  }
  if (!bytes.toString('latin1').includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
    return refuse('is a binary key; agents want ASCII armor (gpg --armor --export)');
  }
  const warnings = keys
    .filter(({ state }) => state !== 'usable')
    .map(({ fingerprint, reason }) => reason ?? `key ${fingerprint} is not usable`);
  const digest = createHash('sha512').update(bytes).digest('hex');
  return { judgement: good({ warnings, digest }), keys };
};
