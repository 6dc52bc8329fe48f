import { once } from 'node:events';
import { copyFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { createTlsIdentity, type TlsIdentity } from '../../src/net/tls-identity.ts';
import { selfSigned, shownSubject, type CertificateFiles } from '../support/certificates.ts';
import { createKeptLog, type KeptLog } from '../support/kept-log.ts';
import { startListener } from '../support/listener.ts';
import { scratch } from '../support/scratch.ts';

const start = async (
  t: ExecutionContext,
  files: CertificateFiles,
): Promise<{ readonly identity: TlsIdentity; readonly port: number; readonly log: KeptLog }> => {
  const log = createKeptLog();
  const identity = await createTlsIdentity(
    {
      certificate: { path: files.cert, flag: '-tls-cert', variable: 'EPR_TLS_CERT' },
      key: { path: files.key, flag: '-tls-key', variable: 'EPR_TLS_KEY' },
      minVersion: '1.2',
    },
    { log },
  );
  t.teardown(() => identity.close());
  const listener = await startListener(t, {
    handler: (_request, response) => response.end('hello\n'),
    identity,
  });
  return { identity, port: listener.port, log };
};

const ask = async (socket: TLSSocket): Promise<string> => {
  socket.write('GET / HTTP/1.1\r\nHost: depot\r\n\r\n');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
};

test('a pair that is replaced by rename is used for new connections while the old ones go on', async (t) => {
  const folder = await scratch(t);
  const [first, second] = [await selfSigned(folder, 'first'), await selfSigned(folder, 'second', 'rsa')];
  const live = { cert: join(folder, 'live.crt'), key: join(folder, 'live.key') };
  await copyFile(first.cert, live.cert);
  await copyFile(first.key, live.key);
  const { identity, port, log } = await start(t, live);
  const old = connect({ port, rejectUnauthorized: false });
  t.teardown(() => old.destroy());
  await once(old, 'secureConnect');
  t.regex(await ask(old), /^HTTP\/1\.1 200/);
  t.is(await shownSubject(port), 'first');

  await rename(second.cert, live.cert);
  await rename(second.key, live.key);
  await identity.refresh();
  t.is(await shownSubject(port), 'second');
  t.regex(await ask(old), /^HTTP\/1\.1 200/, 'the old connection still answers');
  t.true(log.lines.some(({ level, message }) => level === 'info' && message.includes('renewed certificate')));
});

test('a pair that is swapped through a symlink further up is noticed without anybody asking', async (t) => {
  const folder = await scratch(t);
  for (const name of ['first', 'second']) {
    await mkdir(join(folder, name));
    const made = await selfSigned(join(folder, name), name);
    await rename(made.cert, join(folder, name, 'tls.crt'));
    await rename(made.key, join(folder, name, 'tls.key'));
  }
  // As Kubernetes mounts a secret: tls.crt -> ..data/tls.crt, ..data -> the current folder.
  await symlink('first', join(folder, '..data'));
  const live = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  await symlink('..data/tls.crt', live.cert);
  await symlink('..data/tls.key', live.key);
  const { identity, port } = await start(t, live);
  t.is(await shownSubject(port), 'first');
  const renewed = new Promise<void>((resolve) => {
    identity.onRenewal(() => resolve());
  });
  await symlink('second', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await renewed;
  t.is(await shownSubject(port), 'second');
});

test('a bad new pair is reported once, and the old one stays until a good one comes', async (t) => {
  const folder = await scratch(t);
  const [first, second] = [await selfSigned(folder, 'first'), await selfSigned(folder, 'second')];
  const { identity, port, log } = await start(t, first);
  const before = identity.certificateExpires();
  const good = await readFile(second.cert);
  await writeFile(first.cert, good);
  await identity.refresh();
  await identity.refresh();
  t.is(await shownSubject(port), 'first');
  t.deepEqual(identity.certificateExpires(), before);
  const errors = log.lines.filter(({ level }) => level === 'error');
  t.is(errors.length, 1);
  t.regex(errors[0]?.message ?? '', /old one stays: -tls-key \(EPR_TLS_KEY\): .*does not belong/);

  await copyFile(second.key, first.key);
  await identity.refresh();
  t.is(await shownSubject(port), 'second');
});
