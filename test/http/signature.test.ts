import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { signatureOf } from '../support/armored.ts';
import { get, getJson } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { serveFolder, serverFor } from '../support/served-folder.ts';

const fill = async (root: string): Promise<void> => {
  const armored = await signatureOf('demo');
  const sign = async (name: string, text: string | Buffer): Promise<void> =>
    writeFile(`${await writeZipPackage(root, { name })}.sig`, text);
  await sign('signed', armored);
  await sign('html', '<html>404</html>');
  await sign('empty', '');
  await sign('binary', Buffer.from([0x88, 0x75, 4, 0]));
  await sign('cut', armored.slice(0, armored.length / 2));
  await sign('key', armored.replaceAll('SIGNATURE', 'PUBLIC KEY BLOCK'));
  await writeZipPackage(root, { name: 'unsigned' });
  await writeFolderPackage(root, { name: 'folder' });
};
const server = serverFor(test, fill);
const notArmor = ['html', 'empty', 'binary', 'cut', 'key'];

test('a signature is sent as it lies on disk, whole or in parts', async (t) => {
  const path = '/epr/signed/signed-1.0.0.zip.sig';
  const reply = await get(server().url, path, { headers: { 'accept-encoding': 'gzip' } });
  isCacheable(t, reply, 600, 'text/plain; charset=utf-8');
  t.regex(reply.text, /^-----BEGIN PGP SIGNATURE-----\r?\n[^]*-----END PGP SIGNATURE-----\r?\n$/);
  t.is(reply.header('content-encoding'), undefined);
  t.is(reply.header('content-length'), String(reply.body.length));
  isSameHead(t, await get(server().url, path, { method: 'HEAD' }), reply);
  const part = await get(server().url, path, { headers: { range: 'bytes=0-9' } });
  t.is(part.status, 206);
  t.is(part.text, '-----BEGIN');
});

test('signature_path is told of what is armored, and of nothing else', async (t) => {
  for (const name of ['signed', 'unsigned', 'folder', ...notArmor]) {
    const expected = name === 'signed' ? '/epr/signed/signed-1.0.0.zip.sig' : undefined;
    const info = await getJson<{ signature_path?: string }>(server().url, `/package/${name}/1.0.0/`);
    t.is(info.signature_path, expected, name);
    const [item] = await getJson<readonly { signature_path?: string }[]>(
      server().url,
      `/search?package=${name}`,
    );
    t.is(item?.signature_path, expected, name);
  }
});

test('what is missing or no armor is 404', async (t) => {
  for (const name of [...notArmor, 'unsigned', 'folder', 'nosuch']) {
    const reply = await get(server().url, `/epr/${name}/${name}-1.0.0.zip.sig`);
    isRefused(t, reply, 404, 'signature file not found');
  }
  isRefused(t, await get(server().url, '/epr/signed/signed-1.0.zip.sig'), 400, 'invalid package version');
});

test('with -require-package-signatures archives without one are not served, and say why', async (t) => {
  const { url, lines } = await serveFolder(t, fill, { requirePackageSignatures: true });
  const items = await getJson<readonly { name: string }[]>(url, '/search');
  t.deepEqual(
    items.map(({ name }) => name),
    ['folder', 'signed'],
  );
  const health = await getJson<{ versions: number; quarantined: number }>(url, '/health');
  t.like(health, { versions: 2, quarantined: notArmor.length + 1 });
  const reasons = lines
    .filter(({ fields }) => fields['event.action'] === 'package-quarantined')
    .map(({ message }) => message);
  t.is(reasons.length, notArmor.length + 1);
  t.true(reasons.some((line) => line.startsWith('unsigned-1.0.0.zip: ') && /sign/.test(line)));
  t.true(reasons.some((line) => line.startsWith('html-1.0.0.zip: ')));
});
