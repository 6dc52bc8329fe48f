import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileProblem } from '../archive/file-problem.ts';
import { DepotError } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { discardLeftIn } from '../files/left-behind.ts';

/** One user or API key. The secret itself is nowhere. */
export interface Credential {
  readonly name: string;
  readonly scheme: CredentialScheme;
  /** Base64. */
  readonly salt: string;
  /** Base64 of scrypt's 32 bytes. */
  readonly hash: string;
  /** ISO 8601. */
  readonly added: string;
}

/** How a client shows it: `Authorization: Basic` or `Authorization: ApiKey`. */
export type CredentialScheme = 'basic' | 'apikey';

/** Names stand before a colon in the header, and in a list. */
export const credentialName = /^[A-Za-z0-9][\w.@-]{0,63}$/;

// 16 MiB and about 50 ms for each guess.
const cost = { N: 16_384, r: 8, p: 1 } as const;
const maxCredentials = 1000;

const derive = (secret: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });

/** Hashes a secret for the file. */
export const makeCredential = async (
  name: string,
  scheme: CredentialScheme,
  secret: string,
  now: Date,
): Promise<Credential> => {
  const salt = randomBytes(16);
  const hash = await derive(secret, salt);
  return {
    name,
    scheme,
    salt: salt.toString('base64'),
    hash: hash.toString('base64'),
    added: now.toISOString(),
  };
};

/** Compares in constant time. An unknown name takes as long as a known one: hand in undefined. */
export const isSecretOf = async (credential: Credential | undefined, secret: string): Promise<boolean> => {
  const salt = Buffer.from(credential?.salt ?? 'AAAAAAAAAAAAAAAAAAAAAA==', 'base64');
  const expected = credential ? Buffer.from(credential.hash, 'base64') : Buffer.alloc(32);
  const derived = await derive(secret, salt);
  return timingSafeEqual(derived, expected) && credential !== undefined;
};

/** Reads the file; it has one JSON object for each line. Throws CREDENTIALS_INVALID, also where it isn't there. */
export const readCredentials = async (path: string): Promise<readonly Credential[]> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new DepotError(
      'CREDENTIALS_INVALID',
      { path, reason: `cannot be read: ${fileProblem(error)}` },
      error,
    );
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > maxCredentials) {
    throw new DepotError('CREDENTIALS_INVALID', { path, reason: `has more than ${maxCredentials} lines` });
  }
  return lines.map((line, at) => {
    const credential = parseLine(line);
    if (typeof credential === 'string') {
      throw new DepotError('CREDENTIALS_INVALID', { path, reason: `line ${at + 1} ${credential}` });
    }
    return credential;
  });
};

const members: ReadonlySet<string> = new Set([
  'name',
  'scheme',
  'salt',
  'hash',
  'added',
] satisfies (keyof Credential)[]);

/**
 * A credential, or what is wrong with the line. A member that isn't known here may say when it ends or what it is good for: who passes
 * over that lets people in that should stay outside, and loses it when the file is written again.
 */
const parseLine = (line: string): Credential | string => {
  let value: Partial<Credential> | null;
  try {
    value = JSON.parse(line) as Partial<Credential> | null;
  } catch {
    return 'is no credential';
  }
  const unknown = Object.keys(value ?? {}).find((key) => !members.has(key));
  if (unknown !== undefined) {
    return `has \`${unknown}\`, which this version doesn't know; a newer one may have written it`;
  }
  const { name, scheme, salt, hash, added } = value ?? {};
  return typeof name === 'string' &&
    credentialName.test(name) &&
    (scheme === 'basic' || scheme === 'apikey') &&
    typeof salt === 'string' &&
    Buffer.from(salt, 'base64').length >= 16 &&
    typeof hash === 'string' &&
    Buffer.from(hash, 'base64').length === 32
    ? { name, scheme, salt, hash, added: typeof added === 'string' ? added : '' }
    : 'is no credential';
};

/** Replaces the file as a whole, readable by its owner alone. */
export const writeCredentials = async (path: string, credentials: readonly Credential[]): Promise<void> => {
  try {
    await discardLeftIn(dirname(path));
    await writeDurably(path, credentials.map((one) => `${JSON.stringify(one)}\n`).join(''), { mode: 0o600 });
  } catch (error) {
    throw new DepotError(
      'CREDENTIALS_INVALID',
      { path, reason: `cannot be written: ${fileProblem(error)}` },
      error,
    );
  }
};
