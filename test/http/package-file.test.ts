import { createHash } from 'node:crypto';
import test from 'ava';
import { get } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { packageFiles, writeFolderPackage, writeZip } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

const text = 'plain words\n'.repeat(50);
const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.from([1, 2, 3, 4]), Buffer.from('WEBPVP8 ')]);

/** Files whose type must be one that Kibana takes, or that says honestly what it is. */
const types: Readonly<Record<string, readonly [content: string | Buffer, type: string]>> = {
  'docs/README.md': ['# Demo\n', 'text/markdown; charset=utf-8'],
  'docs/UPPER.MD': ['# Demo\n', 'text/markdown; charset=utf-8'],
  'changelog.yml': ['- version: "1.0.0"\n', 'text/yaml; charset=UTF-8'],
  'data.yaml': ['a: 1\n', 'text/yaml; charset=UTF-8'],
  'kibana/dashboard/a.json': ['{}\n', 'application/json'],
  'img/icon.svg': ['<svg xmlns="http://www.w3.org/2000/svg"/>\n', 'image/svg+xml'],
  'img/a.png': [Buffer.from([0x89, 0x50, 0x4e, 0x47]), 'image/png'],
  'img/a.jpg': [Buffer.from([0xff, 0xd8]), 'image/jpeg'],
  'img/a.jpeg': [Buffer.from([0xff, 0xd8]), 'image/jpeg'],
  'img/a.gif': ['GIF89a', 'image/gif'],
  'img/a.webp': [webp, 'image/webp'],
  'img/picture': [Buffer.from('\u0089PNG\r\n\u001a\n\u0000', 'latin1'), 'image/png'],
  'img/photo': [Buffer.from('\u00ff\u00d8\u00ff\u00e0\u0000', 'latin1'), 'image/jpeg'],
  'img/moving': ['GIF87a\u0001', 'image/gif'],
  'agent/a.yml.hbs': ['{{a}}\n', 'text/plain; charset=utf-8'],
  'LICENSE.txt': [text, 'text/plain; charset=utf-8'],
  LICENSE: [text, 'text/plain; charset=utf-8'],
  'page.html': ['<script>alert(1)</script>', 'text/plain; charset=utf-8'],
  'code.js': ['alert(1)', 'text/plain; charset=utf-8'],
  empty: ['', 'text/plain; charset=utf-8'],
  blob: [Buffer.from([0, 1, 2, 3]), 'application/octet-stream'],
};

const files = Object.fromEntries(Object.entries(types).map(([path, [content]]) => [path, content]));
const server = serverFor(test, async (root) => {
  await writeZip(`${root}/demo-1.0.0.zip`, 'demo-1.0.0', packageFiles({ files }));
  await writeFolderPackage(root, { version: '2.0.0', files });
});

for (const version of ['1.0.0', '2.0.0']) {
  const kind = version === '1.0.0' ? 'a zip' : 'a folder';
  for (const [path, [content, type]] of Object.entries(types)) {
    test(`${path} of ${kind} is sent as ${type}`, async (t) => {
      const address = `/package/demo/${version}/${path}`;
      const reply = await get(server().url, address);
      isCacheable(t, reply, 600, type);
      t.deepEqual(reply.body, Buffer.from(content));
      t.is(reply.header('content-length'), String(reply.body.length));
      t.is(reply.header('accept-ranges'), 'bytes');
      t.regex(reply.header('last-modified') ?? '', /GMT$/);
      t.is(reply.header('x-content-type-options'), 'nosniff');
      t.regex(reply.header('content-security-policy') ?? '', /default-src 'none'.*sandbox/);
      isSameHead(t, await get(server().url, address, { method: 'HEAD' }), reply);
    });
  }

  test(`what is no file of ${kind} is 404`, async (t) => {
    for (const path of [
      'nosuch',
      'docs',
      'data_stream/log',
      'docs/readme.md',
      'manifest.yml/x',
      '__proto__',
      'toString',
    ]) {
      isRefused(t, await get(server().url, `/package/demo/${version}/${path}`), 404, 'resource not found');
    }
  });

  test(`a file of ${kind} is the same through gzip`, async (t) => {
    for (const path of Object.keys(types)) {
      const address = `/package/demo/${version}/${path}`;
      const headers = { 'accept-encoding': 'gzip' };
      const [plain, zipped] = [
        await get(server().url, address),
        await get(server().url, address, { headers }),
      ];
      t.is(zipped.text, plain.text, path);
      // What a file without an ending is, is known only when it is read.
      const isText =
        !path.includes('.') ||
        !/^(image\/(?!svg)|application\/(?!json|octet))/.test(plain.header('content-type') ?? '');
      t.is(zipped.header('content-encoding'), isText ? 'gzip' : undefined, path);
      t.is(zipped.header('vary'), isText ? 'Accept-Encoding' : undefined, path);
      t.is(zipped.header('etag') === plain.header('etag'), !isText, path);
      t.is(zipped.header('content-length'), String(zipped.body.length), path);
      isSameHead(t, await get(server().url, address, { headers, method: 'HEAD' }), zipped);
    }
  });
}

test('the same bytes have the same ETag, from a zip or a folder', async (t) => {
  const etags = await Promise.all(
    ['1.0.0', '2.0.0'].map(async (version) =>
      (await get(server().url, `/package/demo/${version}/LICENSE.txt`)).header('etag'),
    ),
  );
  t.is(etags[0], etags[1]);
});

test('a deflated entry is sent as it lies in the archive', async (t) => {
  const address = '/package/demo/1.0.0/LICENSE.txt';
  const { body } = await get(server().url, address, { headers: { 'accept-encoding': 'gzip' } });
  const archive = await get(server().url, '/epr/demo/demo-1.0.0.zip');
  const deflated = body.subarray(10, -8);
  t.true(archive.body.includes(deflated));
  t.is(
    createHash('sha256')
      .update((await get(server().url, address)).body)
      .digest('hex').length,
    64,
  );
});
