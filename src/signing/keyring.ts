import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { DepotError, messageOf } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { writeDurably } from '../files/durable-file.ts';
import { makeFolder } from '../files/folder.ts';
import { discardLeftIn } from '../files/left-behind.ts';
import { writeProblem } from './file-problem.ts';
import { formatFingerprint, parseFingerprint } from './fingerprint.ts';
import { mergeKeys } from './merge-keys.ts';
import { maxKeyFileBytes, readPublicKeys, type PublicKeyInfo } from './public-key.ts';
import type { KeySource } from './signature.ts';

/**
 * Trusted public keys in a folder, one armored file `FINGERPRINT.asc` for each, readable by everyone and never secret.
 * A keyring may also be one file with several keys (a mounted secret, for example): then it can only be read.
 *
 *     keyring/
 *       46095ACC8548582C1A2699A9D27D666CD88E42B4.asc
 */
export interface Keyring extends KeySource {
  readonly location: string;
  /** Every key as it is at `now`, by fingerprint; empty where the folder isn't there yet. Throws KEYRING_INVALID for a file that doesn't belong. */
  list(now?: Date): Promise<readonly PublicKeyInfo[]>;
  /** Adds a key, or what is new of one that is there. `added` is false where nothing is new. */
  add(key: PublicKeyInfo): Promise<{ readonly added: boolean }>;
  /** Removes by full fingerprint. Throws KEY_UNKNOWN. */
  remove(fingerprint: string): Promise<PublicKeyInfo | undefined>;
}

/** Where the keyring is, in the order of force: named, `EPR_KEYRING`, the depot's own, the user's. */
export const keyringLocation = (
  named: string | undefined,
  env: NodeJS.ProcessEnv,
  depot?: string,
): string => {
  const given = named ?? env['EPR_KEYRING'];
  if (given !== undefined && given !== '') {
    return given;
  }
  if (depot !== undefined) {
    return join(depot, 'keys');
  }
  const config = env['XDG_CONFIG_HOME'];
  // The XDG standard wants a relative XDG_CONFIG_HOME to be ignored.
  const base =
    config !== undefined && isAbsolute(config) ? config : join(env['HOME'] ?? homedir(), '.config');
  return join(base, 'fleet-depot', 'keyring');
};

/** Opens the keyring at `location`; nothing is read or made before it is needed. */
export const createKeyring = (location: string): Keyring => ({
  location,
  list: (now) => readKeyring(location, now),
  armoredKeys: async () => (await readKeyring(location)).map((key) => key.armored),
  add: async (key) => {
    const present = (await readKeyring(location)).find((known) => known.fingerprint === key.fingerprint);
    const armored = present === undefined ? key.armored : await mergeKeys(present.armored, key.armored);
    if (present?.armored === armored) {
      return { added: false };
    }
    await changing(location, async () => {
      await makeFolder(dirname(location));
      await makeFolder(location, 0o755);
      await discardLeftIn(location);
      await writeDurably(join(location, `${key.fingerprint}.asc`), armored, { mode: 0o644 });
    });
    return { added: true };
  },
  remove: async (text) => {
    const fingerprint = parseFingerprint(text);
    if (fingerprint === undefined) {
      throw new DepotError('USAGE', {
        reason: `"${text}" is no full fingerprint (40 or 64 hex digits); a key id can be forged, \`keys list\` shows more`,
      });
    }
    await refuseOneFile(location);
    // A key whose file is broken can be removed as well: the name is enough.
    const present = await readKeyring(location).catch(() => undefined);
    const names = await keyFiles(location);
    if (!names.includes(`${fingerprint}.asc`)) {
      throw new DepotError('KEY_UNKNOWN', { fingerprint: formatFingerprint(fingerprint), location });
    }
    await changing(location, () => unlink(join(location, `${fingerprint}.asc`)));
    return present?.find((key) => key.fingerprint === fingerprint);
  },
});

const refuseOneFile = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) {
    throw new DepotError('KEYRING_UNWRITABLE', {
      path,
      reason: 'it is one file, which is only read; keys are added to a folder and removed from one',
    });
  }
};

const changing = async (path: string, change: () => Promise<void>): Promise<void> => {
  await refuseOneFile(path);
  try {
    await change();
  } catch (error) {
    throw new DepotError('KEYRING_UNWRITABLE', { path, reason: writeProblem(error) }, error);
  }
};

const readKeyring = async (location: string, now = new Date()): Promise<readonly PublicKeyInfo[]> => {
  const found = await stat(location).catch((error: unknown) => missingOr(error, location));
  if (found === undefined) {
    return [];
  }
  if (found.isFile()) {
    return readPublicKeys(await readBounded(location), location, now);
  }
  const keys: PublicKeyInfo[] = [];
  for (const name of await keyFiles(location)) {
    keys.push(await readMember(join(location, name), now));
  }
  return keys;
};

const missingOr = (error: unknown, path: string): undefined => {
  if (errnoOf(error) === 'ENOENT') {
    return undefined;
  }
  throw new DepotError('KEYRING_INVALID', { path, reason: messageOf(error) }, error);
};

// Hidden names are temporary files and what Kubernetes puts beside mounted files. Other files may lie there (a note,
// say); whatever looks like a key must be one that is trusted, or an operator would believe that it is.
const keyFiles = async (location: string): Promise<readonly string[]> => {
  const names = await readdir(location).catch((error: unknown) => missingOr(error, location) ?? []);
  return names.filter((name) => !name.startsWith('.') && /\.(?:asc|gpg|pgp|key)$/i.test(name)).toSorted();
};

const readMember = async (path: string, now: Date): Promise<PublicKeyInfo> => {
  const [key, ...more] = await readPublicKeys(await readBounded(path), path, now);
  if (key === undefined || more.length > 0) {
    throw new DepotError('KEYRING_INVALID', {
      path,
      reason: `it holds ${more.length + (key === undefined ? 0 : 1)} keys, not one`,
    });
  }
  if (basename(path) !== `${key.fingerprint}.asc`) {
    throw new DepotError('KEYRING_INVALID', {
      path,
      reason: `it holds the key ${key.fingerprint}, which its name doesn't say`,
    });
  }
  return key;
};

const readBounded = async (path: string): Promise<Buffer> => {
  try {
    const stats = await stat(path);
    const { size } = stats;
    if (!stats.isFile()) {
      throw new Error('it is no regular file');
    }
    if (size > maxKeyFileBytes) {
      throw new Error(`it has ${size} bytes, the limit is ${maxKeyFileBytes}`);
    }
    return await readFile(path);
  } catch (error) {
    throw new DepotError('KEYRING_INVALID', { path, reason: messageOf(error) }, error);
  }
};
