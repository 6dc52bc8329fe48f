import { open } from 'node:fs/promises';
import type { PrivateKey } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { isExposed, shownMode } from '../files/private-file.ts';
import { loadOpenpgp } from './openpgp.ts';
import { maxKeyFileBytes } from './public-key.ts';

/** Both are accepted by GnuPG 2.2 and by the library in Kibana. */
export type SiteKeyAlgorithm = 'rsa4096' | 'ed25519';

/** What a new site key is to be. */
export interface SiteKeyRequest {
  readonly name: string;
  readonly email?: string | undefined;
  readonly algorithm: SiteKeyAlgorithm;
  /** Seconds until it expires; none where absent. */
  readonly lifetime?: number | undefined;
  /** Protects the private key; none where absent. */
  readonly passphrase?: string | undefined;
}

/** A new site key, armored. */
export interface SiteKey {
  readonly fingerprint: string;
  readonly privateKey: string;
  readonly publicKey: string;
  /** Published, it revokes the key: to be kept apart from it. */
  readonly revocationCertificate: string;
}

/**
 * Makes a key that only signs. Ed25519 is the older OpenPGP form of it (algorithm 22): GnuPG 2.2 refuses the newer one
 * (27). RSA-4096 takes some seconds.
 */
export const generateSiteKey = async (request: SiteKeyRequest): Promise<SiteKey> => {
  const openpgp = await loadOpenpgp();
  const kind =
    request.algorithm === 'rsa4096'
      ? ({ type: 'rsa', rsaBits: 4096 } as const)
      : ({ type: 'ecc', curve: 'ed25519Legacy' } as const);
  const { privateKey, publicKey, revocationCertificate } = await openpgp.generateKey({
    ...kind,
    userIDs: [{ name: request.name, ...(request.email === undefined ? {} : { email: request.email }) }],
    ...(request.lifetime === undefined ? {} : { keyExpirationTime: request.lifetime }),
    ...(request.passphrase === undefined ? {} : { passphrase: request.passphrase }),
    subkeys: [],
    format: 'object',
  });
  return {
    fingerprint: publicKey.getFingerprint().toUpperCase(),
    privateKey: privateKey.armor(),
    publicKey: publicKey.armor(),
    revocationCertificate,
  };
};

/**
 * Reads a private key, still locked. Throws SITE_KEY_EXPOSED where others could read it (files/private-file.ts), SITE_KEY_INVALID
 * where it is none or holds several.
 */
export const readSiteKey = async (path: string): Promise<PrivateKey> => {
  const armoredKey = await readOwnFile(path);
  try {
    const openpgp = await loadOpenpgp();
    const [key, ...more] = await openpgp.readPrivateKeys({ armoredKeys: armoredKey });
    if (key === undefined || more.length > 0) {
      throw new Error(`it holds ${more.length + (key === undefined ? 0 : 1)} keys, not one`);
    }
    return key;
  } catch (error) {
    throw new DepotError(
      'SITE_KEY_INVALID',
      { path, reason: `not a readable private key: ${messageOf(error)}` },
      error,
    );
  }
};

// The file is opened first and asked for its mode after, so that both speak of the same file.
const readOwnFile = async (path: string): Promise<string> => {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new DepotError('SITE_KEY_INVALID', { path, reason: messageOf(error) }, error);
  });
  try {
    const stats = await handle.stat();
    const { size } = stats;
    if (!stats.isFile() && !stats.isFIFO()) {
      throw new DepotError('SITE_KEY_INVALID', { path, reason: 'it is no file' });
    }
    if (size > maxKeyFileBytes) {
      throw new DepotError('SITE_KEY_INVALID', { path, reason: `it has ${size} bytes` });
    }
    const content = await handle.readFile('utf8');
    if (content !== '' && !content.includes('-----BEGIN PGP')) {
      throw new DepotError('SITE_KEY_INVALID', {
        path,
        reason: 'it is no armored key (`gpg --export-secret-keys --armor FINGERPRINT` writes one)',
      });
    }
    if (/-BEGIN PGP PUBLIC KEY/.test(content) && !/-BEGIN PGP PRIVATE KEY/.test(content)) {
      throw new DepotError('SITE_KEY_INVALID', { path, reason: 'it is a public key, which signs nothing' });
    }
    if (await isExposed(path, stats)) {
      throw new DepotError('SITE_KEY_EXPOSED', { path, mode: shownMode(stats) });
    }
    return content;
  } catch (error) {
    throw error instanceof DepotError
      ? error
      : new DepotError('SITE_KEY_INVALID', { path, reason: messageOf(error) }, error);
  } finally {
    await handle.close();
  }
};
