import { open, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PrivateKey } from 'openpgp';
import { DepotError, messageOf } from '../domain/errors.ts';
import { hasName } from '../files/place.ts';
import { discardLeftIn } from '../files/temporary.ts';
import { writeProblem } from './write-problem.ts';
import { writeDurably } from '../files/durable-file.ts';
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

/** Where the three files of a site key are. */
export interface SiteKeyFiles {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly revocation: string;
}

/** The files of a site key: `site.key` (private) has `site.pub.asc` and `site.rev.asc` beside it. */
export const siteKeyFiles = (keyFile: string): SiteKeyFiles => {
  const stem = keyFile.replace(/(?:\.(?:private|secret|sec))?\.(?:key|asc|pgp|gpg|pem)$/i, '');
  return { privateKey: keyFile, publicKey: `${stem}.pub.asc`, revocation: `${stem}.rev.asc` };
};

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
 * Writes the files of a new site key: the private key and the revocation certificate for their owner alone (0600), the
 * public key for all (0644). The private key is the last: whatever ends the run, there is none in use that can't be revoked.
 * Nothing is overwritten: SITE_KEY_EXISTS.
 */
export const writeSiteKey = async (keyFile: string, key: SiteKey): Promise<SiteKeyFiles> => {
  const files = siteKeyFiles(keyFile);
  await refuseExisting(files);
  await discardLeftIn(dirname(keyFile));
  const written: string[] = [];
  try {
    for (const [path, content, mode] of [
      [files.revocation, key.revocationCertificate, 0o600],
      [files.publicKey, key.publicKey, 0o644],
      [files.privateKey, key.privateKey, 0o600],
    ] as const) {
      await writeNew(path, content, mode);
      written.push(path);
      await refuseShown(path, mode);
    }
  } catch (error) {
    // A key without its other files would be in the way of the next try.
    await Promise.all(written.map((path) => unlink(path).catch(() => undefined)));
    throw error;
  }
  return files;
};

/**
 * The first file that is written tells, and is no key yet, where a file system keeps no modes: there no key can be one's own.
 * Throws SITE_KEY_UNWRITABLE.
 */
export const refuseShown = async (path: string, mode: number): Promise<void> => {
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077 & ~mode) !== 0) {
    throw new DepotError('SITE_KEY_UNWRITABLE', {
      path,
      reason: 'its file system keeps no permissions (as FAT and exFAT), so that others could read it',
    });
  }
};

/** Throws SITE_KEY_EXISTS where one of a site key's files is there: to be asked before a slow generation, too. */
export const refuseExisting = async (files: SiteKeyFiles): Promise<void> => {
  for (const path of [files.privateKey, files.revocation, files.publicKey]) {
    // Whatever can't be told is told by who writes it, who replaces nothing either.
    if (await hasName(path)) {
      throw new DepotError('SITE_KEY_EXISTS', { path });
    }
  }
};

const writeNew = async (path: string, content: string, mode: number): Promise<void> => {
  try {
    await writeDurably(path, content, { mode, exclusive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new DepotError('SITE_KEY_EXISTS', { path }, error);
    }
    throw new DepotError('SITE_KEY_UNWRITABLE', { path, reason: writeProblem(error) }, error);
  }
};

/**
 * Reads a private key, still locked. Throws SITE_KEY_EXPOSED where group or others could read it, SITE_KEY_INVALID
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
    const { mode, size } = stats;
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
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new DepotError('SITE_KEY_EXPOSED', { path, mode: (mode & 0o777).toString(8).padStart(4, '0') });
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
