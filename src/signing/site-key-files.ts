import { stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { writeDurably } from '../files/durable-file.ts';
import { discardLeftIn } from '../files/left-behind.ts';
import { hasName } from '../files/place.ts';
import { writeProblem } from './file-problem.ts';
import type { SiteKey } from './site-key.ts';

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
    if (errnoOf(error) === 'EEXIST') {
      throw new DepotError('SITE_KEY_EXISTS', { path }, error);
    }
    throw new DepotError('SITE_KEY_UNWRITABLE', { path, reason: writeProblem(error) }, error);
  }
};
