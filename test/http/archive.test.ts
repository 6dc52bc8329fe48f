import { createHash } from 'node:crypto';
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openZip } from '../../src/archive/zip-reader.ts';
import { get, getJson } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { packageFiles, writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { serveFolder, serverFor } from '../support/served-folder.ts';

const server = serverFor(test, async (root) => {
  await writeZipPackage(root);
  await writeFolderPackage(root, { name: 'folder' });
  await writeZipPackage(join(root, 'deep', 'er'), { name: 'deep' });
});

test('an archive is sent as it lies on disk', async (t) => {
  const { url, root } = server();
  const reply = await get(url, '/epr/demo/demo-1.0.0.zip');
  isCacheable(t, reply, 600, 'application/zip');
  t.deepEqual(reply.body, await readFile(join(root, 'demo-1.0.0.zip')));
  t.is(reply.header('content-length'), String(reply.body.length));
  t.is(reply.header('accept-ranges'), 'bytes');
  const { mtime } = await stat(join(root, 'demo-1.0.0.zip'));
  t.is(reply.header('last-modified'), mtime.toUTCString());
  isSameHead(t, await get(url, '/epr/demo/demo-1.0.0.zip', { method: 'HEAD' }), reply);
});

test('the first segment of its address is free, and the folder that it lies in too', async (t) => {
  for (const path of [
    '/epr/package/demo-1.0.0.zip',
    '/epr/x%20y/demo-1.0.0.zip',
    '/epr/deep/deep-1.0.0.zip',
  ]) {
    t.is((await get(server().url, path)).status, 200, path);
  }
});

test('an archive is never sent with a Content-Encoding', async (t) => {
  for (const name of ['demo', 'folder']) {
    const headers = { 'accept-encoding': 'gzip, deflate, br' };
    const reply = await get(server().url, `/epr/${name}/${name}-1.0.0.zip`, { headers });
    t.is(reply.header('content-encoding'), undefined);
    t.is(reply.header('vary'), undefined);
    t.is(reply.body.subarray(0, 2).toString(), 'PK');
  }
});

test('what is not there is 404, what is no version 400, another form no route', async (t) => {
  const { url } = server();
  for (const path of ['/epr/nosuch/nosuch-1.0.0.zip', '/epr/demo/demo-1.0.1.zip']) {
    isRefused(t, await get(url, path), 404, 'artifact not found');
  }
  for (const path of ['/epr/demo/demo-1.0.zip', '/epr/demo/demo-.zip', '/epr/demo/demo-x.zip']) {
    isRefused(t, await get(url, path), 400, 'invalid package version');
  }
  for (const path of [
    '/epr/demo/demo-1.0.0.tar',
    '/epr/demo/Demo-1.0.0.zip',
    '/epr/demo/de.mo-1.0.0.zip',
    '/epr/a/b/demo-1.0.0.zip',
    '/epr/demo-1.0.0.zip',
  ]) {
    isRefused(t, await get(url, path), 404, '404 page not found');
  }
});

test('a folder is sent as an archive that a reader takes, with its files in order', async (t) => {
  const reply = await get(server().url, '/epr/folder/folder-1.0.0.zip');
  isCacheable(t, reply, 600, 'application/zip');
  t.is(reply.header('content-length'), String(reply.body.length));
  isSameHead(t, await get(server().url, '/epr/folder/folder-1.0.0.zip', { method: 'HEAD' }), reply);
  const path = join(await scratch(t), 'folder.zip');
  await writeFile(path, reply.body);
  const zip = await openZip(path, testLimits);
  const files = packageFiles({ name: 'folder' });
  t.deepEqual(
    [...zip.files.keys()].toSorted(),
    Object.keys(files)
      .map((file) => `folder-1.0.0/${file}`)
      .toSorted(),
  );
  for (const [file, content] of Object.entries(files)) {
    t.deepEqual(await zip.read(`folder-1.0.0/${file}`), Buffer.from(content), file);
  }
  await zip.close();
});

test('a folder has the same bytes and ETag on every server and at every time', async (t) => {
  const spec = { name: 'folder', files: { 'docs/é ü.md': 'ä', 'docs/b.md': 'b', 'a.txt': 'a' } };
  const replies = [];
  for (const time of [1_000_000_000, 1_700_000_000]) {
    const { url } = await serveFolder(t, async (root) => {
      const path = await writeFolderPackage(root, spec);
      await utimes(join(path, 'manifest.yml'), time, time);
    });
    replies.push(
      await get(url, '/epr/folder/folder-1.0.0.zip'),
      await get(url, '/epr/folder/folder-1.0.0.zip'),
    );
  }
  const digests = replies.map(({ body }) => createHash('sha256').update(body).digest('hex'));
  t.is(new Set(digests).size, 1);
  t.is(new Set(replies.map((reply) => reply.header('etag'))).size, 1);
});

test('of one version twice the zip is served, not the folder', async (t) => {
  const { url, root } = await serveFolder(t, async (folder) => {
    await writeFolderPackage(folder, { manifest: { title: 'Folder' } });
    await writeZipPackage(folder, { manifest: { title: 'Zip' } });
  });
  t.is((await getJson<{ title: string }>(url, '/package/demo/1.0.0/')).title, 'Zip');
  t.deepEqual(
    (await get(url, '/epr/demo/demo-1.0.0.zip')).body,
    await readFile(join(root, 'demo-1.0.0.zip')),
  );
});
