import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DepotError } from '../../src/domain/errors.ts';
import { loadTlsPair, validityProblem, type TlsFiles, type TlsVersion } from '../../src/net/tls.ts';
import {
  chain,
  handshake,
  openssl,
  selfSigned,
  type CertificateFiles,
  type KeyType,
} from '../support/certificates.ts';
import { startListener } from '../support/listener.ts';
import { scratch } from '../support/scratch.ts';

const named = (files: CertificateFiles, minVersion: TlsVersion = '1.2'): TlsFiles => ({
  certificate: { path: files.cert, flag: '-tls-cert', variable: 'EPR_TLS_CERT' },
  key: { path: files.key, flag: '-tls-key', variable: 'EPR_TLS_KEY' },
  minVersion,
});

const serve = async (
  t: ExecutionContext,
  files: CertificateFiles,
  minVersion: TlsVersion,
): Promise<number> => {
  const { options } = await loadTlsPair(named(files, minVersion));
  const listener = await startListener(t, {
    handler: (_request, response) => response.end('hello\n'),
    identity: { options: () => options, onRenewal: () => () => undefined },
  });
  return listener.port;
};

const versions = ['1.0', '1.1', '1.2', '1.3'] as const;

for (const type of ['rsa', 'ec'] as const satisfies readonly KeyType[]) {
  for (const [place, minVersion] of versions.entries()) {
    test(`with a minimum of ${minVersion} and a key of ${type}, exactly the versions from there up shake hands`, async (t) => {
      const folder = await scratch(t);
      const port = await serve(t, await selfSigned(folder, 'depot', type), minVersion);
      for (const [index, version] of versions.entries()) {
        const flag = version === '1.0' ? '-tls1' : `-tls${version.replace('.', '_')}`;
        // The client's own OpenSSL refuses 1.0 and 1.1 unless its level is lowered.
        const words = version === '1.3' ? [flag] : [flag, '-cipher', 'DEFAULT@SECLEVEL=0'];
        const said = await handshake(port, words);
        t.is(said !== undefined, index >= place, `TLS ${version}`);
      }
    });
  }
}

test('a chain with an intermediate is shown whole, so that a client with the root alone trusts it', async (t) => {
  const files = await chain(await scratch(t));
  const port = await serve(t, files, '1.2');
  const root = await readFile(files.root);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ host: 'localhost', port, ca: root, agent: false }, (response) =>
      resolve(response.statusCode),
    );
    asked.on('error', reject);
    asked.end();
  });
  t.is(status, 200);
});

const refusal = async (t: ExecutionContext, files: CertificateFiles): Promise<DepotError> => {
  const error = await t.throwsAsync(loadTlsPair(named(files)), { instanceOf: DepotError });
  t.is(error.code, 'SETTING_INVALID');
  t.false(error.message.includes('\n'), 'one line');
  return error;
};

test('an encrypted key is refused with the command that decrypts it', async (t) => {
  const folder = await scratch(t);
  const files = await selfSigned(folder, 'depot', 'rsa');
  const key = join(folder, 'encrypted.key');
  await openssl(['pkey', '-in', files.key, '-aes256', '-passout', 'pass:secret', '-out', key]);
  const traditional = join(folder, 'traditional.key');
  await openssl([
    'rsa',
    '-traditional',
    '-in',
    files.key,
    '-aes256',
    '-passout',
    'pass:secret',
    '-out',
    traditional,
  ]);
  for (const path of [key, traditional]) {
    const error = await refusal(t, { cert: files.cert, key: path });
    t.regex(error.message, /^-tls-key \(EPR_TLS_KEY\): .*is encrypted; decrypt it with: openssl pkey -in /);
  }
});

test('a key of another certificate is refused, and a chain in the wrong order is told apart', async (t) => {
  const folder = await scratch(t);
  const [one, other] = [await selfSigned(folder, 'one'), await selfSigned(folder, 'other')];
  const mixed = await refusal(t, { cert: one.cert, key: other.key });
  t.regex(
    mixed.message,
    /^-tls-key \(EPR_TLS_KEY\): .*other\.key: does not belong to the certificate in .*one\.crt$/,
  );
  const reversed = join(folder, 'reversed.crt');
  await writeFile(reversed, (await readFile(one.cert, 'utf8')) + (await readFile(other.cert, 'utf8')));
  const order = await refusal(t, { cert: reversed, key: other.key });
  t.regex(order.message, /belongs to certificate number 2 in .*must come first/);
});

test('a file that is absent, unreadable or no PEM is refused with the setting that names it', async (t) => {
  const folder = await scratch(t);
  const files = await selfSigned(folder, 'depot');
  const broken = join(folder, 'broken.crt');
  const cut = (await readFile(files.cert, 'utf8')).replace(/\n[^\n]+\n[^\n]+\n-----END/, '\n-----END');
  await writeFile(broken, cut);
  const text = join(folder, 'text');
  await writeFile(text, 'hello');
  t.regex(
    (await refusal(t, { ...files, cert: join(folder, 'no') })).message,
    /^-tls-cert \(EPR_TLS_CERT\): .*: there is no such file or folder$/,
  );
  t.regex(
    (await refusal(t, { ...files, key: join(folder, 'no') })).message,
    /^-tls-key \(EPR_TLS_KEY\): .*: there is no such file or folder$/,
  );
  t.regex((await refusal(t, { ...files, cert: folder })).message, /cannot be read: it is a folder$/);
  t.regex((await refusal(t, { ...files, cert: broken })).message, /certificate number 1 is damaged$/);
  t.regex((await refusal(t, { ...files, cert: text })).message, /has no certificate in PEM form$/);
  t.regex((await refusal(t, { ...files, key: text })).message, /has no private key in PEM form$/);
  t.regex(
    (await refusal(t, { ...files, key: files.cert })).message,
    /has no private key in PEM form; it holds a certificate: are -tls-cert and -tls-key swapped\?$/,
  );
  t.regex(
    (await refusal(t, { cert: files.key, key: files.cert })).message,
    /^-tls-cert .*; it holds a private key: are -tls-cert and -tls-key swapped\?$/,
  );
  const [binary, binaryKey] = [join(folder, 'cert.der'), join(folder, 'key.der')];
  await openssl(['x509', '-in', files.cert, '-outform', 'der', '-out', binary]);
  await openssl(['pkey', '-in', files.key, '-outform', 'der', '-out', binaryKey]);
  t.regex((await refusal(t, { ...files, cert: binary })).message, /DER or PKCS#12: convert it with openssl/);
  t.regex(
    (await refusal(t, { ...files, key: binaryKey })).message,
    /DER or PKCS#12: convert it with openssl/,
  );
  if (process.getuid?.() === 0) {
    t.log('runs as root, which may read every file: the case without permission is left out');
    return;
  }
  const closed = join(folder, 'closed.key');
  await copyFile(files.key, closed);
  await chmod(closed, 0);
  t.regex((await refusal(t, { ...files, key: closed })).message, /cannot be read: permission denied$/);
});

test('the security level is lowered for TLS 1.0 and 1.1 only', async (t) => {
  const files = await selfSigned(await scratch(t), 'depot');
  for (const version of versions) {
    const { ciphers } = (await loadTlsPair(named(files, version))).options;
    t.is(ciphers?.endsWith('@SECLEVEL=0') ?? false, version === '1.0' || version === '1.1', version);
  }
});

test('an expired certificate and one of the future are named', async (t) => {
  const files = await selfSigned(await scratch(t), 'depot');
  const certificate = new X509Certificate(await readFile(files.cert));
  t.is(validityProblem(certificate, new Date()), undefined);
  t.regex(validityProblem(certificate, new Date('2100-01-01')) ?? '', /^the certificate expired at \d{4}-/);
  t.regex(
    validityProblem(certificate, new Date('2001-01-01')) ?? '',
    /^the certificate is not valid before \d{4}-/,
  );
});
