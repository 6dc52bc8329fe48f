import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A certificate and its key on disk. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Runs openssl and returns what it says on both outputs; fails only where openssl is absent. */
export const openssl = async (words: readonly string[], input = ''): Promise<string> => {
  const running = exec('openssl', words, { timeout: 20_000 });
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const failed = error as { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string };
    if (failed.code === 'ENOENT') {
      throw error;
    }
    return `${failed.stdout ?? ''}${failed.stderr ?? ''}`;
  }
};

/** What a key is made of. */
export type KeyType = 'rsa' | 'ec';

const keyWords: Readonly<Record<KeyType, readonly string[]>> = {
  rsa: ['-newkey', 'rsa:2048'],
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
};

/** A self-signed certificate for localhost. */
export const selfSigned = async (
  folder: string,
  name: string,
  type: KeyType = 'ec',
): Promise<CertificateFiles> => {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  await openssl(['req', '-x509', ...keyWords[type], '-nodes', '-keyout', files.key, '-out', files.cert,
    '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']); // prettier-ignore
  return files;
};

/** A root, an intermediate and a leaf for localhost; `cert` of the leaf holds leaf and intermediate. */
export const chain = async (folder: string): Promise<CertificateFiles & { readonly root: string }> => {
  const at = (name: string): string => join(folder, name);
  await openssl([
    'req',
    '-x509',
    ...keyWords.ec,
    '-nodes',
    '-keyout',
    at('root.key'),
    '-out',
    at('root.crt'),
    '-subj',
    '/CN=root',
    '-days',
    '2',
  ]);
  await writeFile(at('ca.ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n');
  await writeFile(at('leaf.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  for (const [name, issuer, extensions] of [
    ['middle', 'root', 'ca.ext'],
    ['leaf', 'middle', 'leaf.ext'],
  ] as const) {
    await openssl([
      'req',
      ...keyWords.ec,
      '-nodes',
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=${name}`,
    ]);
    await openssl(['x509', '-req', '-in', at(`${name}.csr`), '-CA', at(`${issuer}.crt`), '-CAkey', at(`${issuer}.key`),
      '-CAcreateserial', '-days', '2', '-extfile', at(extensions), '-out', at(`${name}.crt`)]); // prettier-ignore
  }
  const { stdout } = await exec('cat', [at('leaf.crt'), at('middle.crt')]);
  await writeFile(at('chain.crt'), stdout);
  return { cert: at('chain.crt'), key: at('leaf.key'), root: at('root.crt') };
};

/** One handshake with `openssl s_client`: what it said, or undefined where the server refused. */
export const handshake = async (port: number, words: readonly string[]): Promise<string | undefined> => {
  const said = await openssl([
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    'localhost',
    ...words,
  ]);
  return /^New, (?!\(NONE\))/m.test(said) ? said : undefined;
};

/** The common name in the certificate that a server shows to a new connection. */
export const shownSubject = async (port: number): Promise<string> => {
  const said = (await handshake(port, [])) ?? '';
  return /subject=CN ?= ?(\S+)/.exec(said)?.[1] ?? '';
};
