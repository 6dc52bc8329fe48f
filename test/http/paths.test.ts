import test from 'ava';
import { get, talk } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { packageFiles, writeFolderPackage, writeZip } from '../support/packages.ts';
import { serveFolder, serverFor } from '../support/served-folder.ts';

const fill = async (root: string): Promise<void> => {
  await writeFolderPackage(root, { files: { 'docs/a b+c.md': 'odd', 'docs/a%2Fb.md': 'percent' } });
  const version = '1.0.0-beta.1+build.7';
  await writeZip(`${root}/demo-${version}.zip`, `demo-${version}`, packageFiles({ version }));
};
const server = serverFor(test, fill);

const redirects: Readonly<Record<string, string>> = {
  '/package/demo/1.0.0': '/package/demo/1.0.0/',
  '/package/demo/1.0.0?x=1&y=%2F': '/package/demo/1.0.0/?x=1&y=%2F',
  '/package/nosuch/1.0.0': '/package/nosuch/1.0.0/',
  '/package/demo/1.0.0/manifest.yml/': '/package/demo/1.0.0/manifest.yml',
  '/search/': '/search',
  '/search/?package=demo': '/search?package=demo',
  '/categories/': '/categories',
  '/index.json/': '/index.json',
  '/favicon.ico/': '/favicon.ico',
  '/epr/demo/demo-1.0.0.zip/': '/epr/demo/demo-1.0.0.zip',
  '//search': '/search',
  '//search?prerelease=true&package=demo': '/search?prerelease=true&package=demo',
  '///': '/',
  '/./search': '/search',
  '/a/../search?x=%20': '/search?x=%20',
  '/..': '/',
  '/../../etc/passwd': '/etc/passwd',
  '/package/demo//1.0.0/': '/package/demo/1.0.0/',
  '/package/demo/1.0.0/docs/../../../../../etc/passwd': '/etc/passwd',
  '/package/demo/1.0.0/%2e%2e/%2E%2E/x': '/package/x',
  '/package/demo/1.0.0/docs//a%20b+c.md': '/package/demo/1.0.0/docs/a%20b+c.md',
  '/package/demo/1.0.0/docs//a%3Fb%23c': '/package/demo/1.0.0/docs/a%3Fb%23c',
  '//evil.example/search': '/evil.example/search',
  '/%2f%2fevil.example/': '/evil.example/',
};

for (const [path, location] of Object.entries(redirects)) {
  test(`${path} leads to ${location}`, async (t) => {
    const reply = await get(server().url, path);
    t.is(reply.status, 301);
    t.deepEqual(reply.lines('location'), [location]);
    t.is(reply.header('access-control-allow-origin'), '*');
    t.is(reply.text, '');
    isSameHead(t, await get(server().url, path, { method: 'HEAD' }), reply);
  });
}

test('a redirect leads to an answer in one step', async (t) => {
  for (const path of ['//search', '/package/demo/1.0.0', '/package/demo/1.0.0/docs//a%20b+c.md']) {
    const { url } = server();
    const location = (await get(url, path)).header('location') ?? '';
    t.is((await get(url, location)).status, 200, path);
  }
});

test('a plus in a version is a plus, raw or escaped', async (t) => {
  for (const version of ['1.0.0-beta.1+build.7', '1.0.0-beta.1%2Bbuild.7', '1.0.0-beta.1%2bbuild.7']) {
    isCacheable(t, await get(server().url, `/package/demo/${version}/`), 10, 'application/json');
    isCacheable(t, await get(server().url, `/epr/demo/demo-${version}.zip`), 600, 'application/zip');
    t.is((await get(server().url, `/package/demo/${version}/manifest.yml`)).status, 200);
  }
  isRefused(
    t,
    await get(server().url, '/package/demo/1.0.0-beta.1%20build.7/'),
    400,
    'invalid package version',
  );
});

test('names with a space, a plus or a percent sign are found', async (t) => {
  for (const file of ['a%20b+c.md', 'a%20b%2Bc.md']) {
    t.is((await get(server().url, `/package/demo/1.0.0/docs/${file}`)).text, 'odd');
  }
  t.is((await get(server().url, '/package/demo/1.0.0/docs/a%252Fb.md')).text, 'percent');
});

test('the absolute form of a request line is taken, as clients of a proxy send it', async (t) => {
  const { url } = server();
  for (const target of [
    `${url}/search?package=demo`,
    'http://epr.example:8080/search?package=demo',
    'HTTP://epr.example/search?package=demo',
  ]) {
    const answer = await talk(url, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/, target);
    t.true(answer.includes('"name": "demo"'), target);
  }
  for (const target of ['http://[::1/search', 'http://epr.example:70000/', 'http://[]/package/demo/1.0.0/']) {
    const answer = await talk(url, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    t.regex(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, target);
  }
  const root = await talk(url, 'GET http://epr.example HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  t.regex(root, /"service\.name"/);
});

test('a redirect of the absolute form stays on this server', async (t) => {
  const answer = await talk(
    server().url,
    'GET http://epr.example//search?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  t.regex(answer, /^HTTP\/1\.1 301 .*\r\nlocation: \/search\?a=b\r\n/is);
});

test('what leads out of a package is never a file', async (t) => {
  for (const path of [
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e%5c%2e%2e%5cx',
    '..%5c..%5cx',
    'docs/%00',
    'docs%00.md',
  ]) {
    const reply = await get(server().url, `/package/demo/1.0.0/${path}`);
    t.true([301, 404].includes(reply.status), `${path}: ${reply.status}`);
    t.false((reply.header('location') ?? '').includes('..'));
  }
});

test('a header cannot be written through a path', async (t) => {
  const reply = await get(server().url, '//search%0d%0aSet-Cookie:%20a=b');
  t.is(reply.header('set-cookie'), undefined);
  t.is(reply.header('location'), '/search%0D%0ASet-Cookie:%20a=b');
});

test('a prefix is taken off, needed nowhere, and in every redirect', async (t) => {
  const { url } = await serveFolder(t, fill, { flags: { 'path-prefix': '/registry' } });
  for (const prefix of ['', '/registry']) {
    t.is((await get(url, `${prefix}/search`)).status, 200);
    t.is((await get(url, `${prefix}/package/demo/1.0.0/docs/README.md`)).status, 200);
    t.is((await get(url, `${prefix}/health`)).status, 200);
    t.is((await get(url, `${prefix}//search?a=b`)).header('location'), '/registry/search?a=b');
    t.is(
      (await get(url, `${prefix}/package/demo/1.0.0`)).header('location'),
      '/registry/package/demo/1.0.0/',
    );
  }
  t.regex((await get(url, '/registry')).text, /service\.name/);
  t.regex((await get(url, '/registry/')).text, /service\.name/);
  t.is((await get(url, '/registryx/search')).status, 404);
  const { text } = await get(url, '/registry/package/demo/1.0.0/');
  t.false(text.includes('/registry'));
  t.is(text, (await get(url, '/package/demo/1.0.0/')).text);
});

test("the proxy's X-Forwarded-Prefix is in redirects, where it is a path", async (t) => {
  const location = async (prefix: string): Promise<string | undefined> =>
    (await get(server().url, '//search?a=b', { headers: { 'x-forwarded-prefix': prefix } })).header(
      'location',
    );
  t.is(await location('/registry'), '/registry/search?a=b');
  t.is(await location('/registry/'), '/registry/search?a=b');
  t.is(await location('/a/b-c.d~e'), '/a/b-c.d~e/search?a=b');
  for (const bad of [
    'registry',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a b',
    '/a?b',
    '/',
  ]) {
    t.is(await location(bad), '/search?a=b', bad);
  }
  const configured = await serveFolder(t, fill, { flags: { 'path-prefix': '/own' } });
  const reply = await get(configured.url, '//search', { headers: { 'x-forwarded-prefix': '/other' } });
  t.is(reply.header('location'), '/own/search');
});
