import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A certificate and its key as PEM, and the files they lie in. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A CA that lives in one folder for one test. */
export interface Authority {
  readonly cert: string;
  readonly file: string;
  /** For a server or a client; the name is its common name and its only DNS name. */
  issue(name: string): Issued;
}

/** True, and the test passes with a word about it, where there is no openssl on this machine. */
export function lacksOpenssl(t: ExecutionContext): boolean {
  const isLacking = spawnSync('openssl', ['version']).status !== 0;
  if (isLacking) {
    t.log('skipped: openssl is not installed');
    t.pass();
  }
  return isLacking;
}

/** Makes a CA with openssl. */
export function makeAuthority(folder: string): Authority {
  mkdirSync(folder, { recursive: true });
  const path = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): void => {
    const { status, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
    if (status !== 0) {
      throw new Error(stderr);
    }
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...curve,
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
  );
  return {
    cert: readFileSync(path('ca.pem'), 'utf8'),
    file: path('ca.pem'),
    issue(name) {
      const [keyFile, request, certFile, extensions] = [
        `${name}.key`,
        `${name}.csr`,
        `${name}.pem`,
        `${name}.ext`,
      ].map(path) as [string, string, string, string];
      writeFileSync(extensions, `subjectAltName=DNS:${name}\n`);
      openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', request);
      const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial'];
      openssl(
        'x509',
        '-req',
        '-in',
        request,
        ...signer,
        '-days',
        '2',
        '-extfile',
        extensions,
        '-out',
        certFile,
      );
      return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile };
    },
  };
}
