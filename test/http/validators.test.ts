import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { signatureOf } from '../support/armored.ts';
import { get, type Reply } from '../support/client.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

const server = serverFor(test, async (root) => {
  await writeFile(`${await writeZipPackage(root)}.sig`, await signatureOf('demo'));
  await writeFolderPackage(root, { name: 'folder' });
});

const json = ['/', '/index.json', '/search', '/search?package=nosuch', '/categories', '/package/demo/1.0.0/'];
const files = [
  '/package/demo/1.0.0/manifest.yml',
  '/package/folder/1.0.0/img/screenshot.png',
  '/epr/demo/demo-1.0.0.zip',
  '/epr/folder/folder-1.0.0.zip',
  '/epr/demo/demo-1.0.0.zip.sig',
];
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> =>
  get(server().url, path, { headers, method });

for (const path of [...json, ...files, '/favicon.ico']) {
  test(`${path} is 304 to a client that has it`, async (t) => {
    for (const encoding of ['identity', 'gzip']) {
      const whole = await ask(path, { 'accept-encoding': encoding });
      const etag = whole.header('etag') ?? '';
      t.false(etag.startsWith('W/'));
      for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, `"x",${etag} , "y"`, '*']) {
        for (const method of ['GET', 'HEAD']) {
          const headers = { 'if-none-match': condition, 'accept-encoding': encoding };
          const reply = await ask(path, headers, method);
          t.is(reply.status, 304, condition);
          t.is(reply.body.length, 0);
          t.is(reply.header('etag'), etag);
          t.deepEqual(reply.lines('cache-control'), whole.lines('cache-control'));
          t.is(reply.header('vary'), whole.header('vary'));
          t.is(reply.header('content-length'), undefined);
          t.is(reply.header('content-encoding'), undefined);
          t.is(reply.header('access-control-allow-origin'), '*');
        }
      }
      t.is((await ask(path, { 'if-none-match': '"other"', 'accept-encoding': encoding })).status, 200);
    }
  });
}

for (const path of files) {
  test(`${path} is 304 since its last change, and sent whole to who is older`, async (t) => {
    const modified = (await ask(path)).header('last-modified') ?? '';
    const later = new Date(Date.parse(modified) + 3_600_000).toUTCString();
    const before = new Date(Date.parse(modified) - 1000).toUTCString();
    t.is((await ask(path, { 'if-modified-since': modified })).status, 304);
    t.is((await ask(path, { 'if-modified-since': later })).status, 304);
    t.is((await ask(path, { 'if-modified-since': before })).status, 200);
    t.is((await ask(path, { 'if-modified-since': 'yesterday' })).status, 200);
  });

  test(`${path}: an ETag that does not match beats a date that does`, async (t) => {
    const modified = (await ask(path)).header('last-modified') ?? '';
    const etag = (await ask(path)).header('etag') ?? '';
    t.is((await ask(path, { 'if-none-match': '"x"', 'if-modified-since': modified })).status, 200);
    const old = 'Mon, 01 Jan 2001 00:00:00 GMT';
    t.is((await ask(path, { 'if-none-match': etag, 'if-modified-since': old })).status, 304);
  });
}

for (const path of [...files, '/favicon.ico', '/search']) {
  test(`${path} is 412 to a client that wants only what it knows and knows another`, async (t) => {
    const etag = (await ask(path)).header('etag') ?? '';
    for (const method of ['GET', 'HEAD']) {
      for (const condition of [etag, `"x", ${etag}`, '*']) {
        t.is((await ask(path, { 'if-match': condition }, method)).status, 200, condition);
      }
      // A weak one never matches.
      for (const condition of ['"x"', `W/${etag}`, '']) {
        const reply = await ask(path, { 'if-match': condition, range: 'bytes=0-1' }, method);
        t.is(reply.status, 412, condition);
        t.is(reply.header('etag'), undefined);
        t.is(reply.body.toString(), method === 'GET' ? 'precondition failed\n' : '');
      }
    }
    t.is((await ask(path, { 'if-match': etag, 'if-none-match': etag })).status, 304);
  });
}

for (const path of files) {
  test(`${path} is 412 to a client that wants it only if it is older`, async (t) => {
    const modified = (await ask(path)).header('last-modified') ?? '';
    const before = new Date(Date.parse(modified) - 1000).toUTCString();
    t.is((await ask(path, { 'if-unmodified-since': modified })).status, 200);
    t.is((await ask(path, { 'if-unmodified-since': before })).status, 412);
    t.is((await ask(path, { 'if-unmodified-since': 'yesterday' })).status, 200);
    const etag = (await ask(path)).header('etag') ?? '';
    t.is((await ask(path, { 'if-match': etag, 'if-unmodified-since': before })).status, 200);
  });
}

test('JSON has no date, so If-Modified-Since gets it whole', async (t) => {
  for (const path of json) {
    t.is((await ask(path)).header('last-modified'), undefined);
    t.is((await ask(path, { 'if-modified-since': new Date().toUTCString() })).status, 200);
  }
});

test('plain and gzip have validators of their own', async (t) => {
  for (const path of ['/search', '/categories', '/package/demo/1.0.0/', '/package/demo/1.0.0/manifest.yml']) {
    const [plain, zipped] = [await ask(path), await ask(path, { 'accept-encoding': 'gzip' })];
    t.not(plain.header('etag'), zipped.header('etag'));
    const crossed = await ask(path, {
      'if-none-match': plain.header('etag') ?? '',
      'accept-encoding': 'gzip',
    });
    t.is(crossed.status, 200);
  }
});

test('a refusal has no validator', async (t) => {
  const reply = await ask('/package/nosuch/1.0.0/', { 'if-none-match': '*' });
  t.is(reply.status, 404);
  t.is(reply.header('etag'), undefined);
});
