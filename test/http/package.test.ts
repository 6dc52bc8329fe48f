import { join } from 'node:path';
import test from 'ava';
import { get, getJson } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { packageFiles, writeFolderPackage, writeZip, writeZipPackage } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

const server = serverFor(test, async (root) => {
  await writeZipPackage(root, { name: 'demo', manifest: { description: 'a < b & c > d, "é", 日本, 😀' } });
  await writeZipPackage(root, { name: 'experiment', manifest: { release: 'experimental' } });
  await writeZipPackage(root, { name: 'tagged', version: '2.0.0-rc.1' });
  await writeFolderPackage(root, { name: 'old', version: '0.9.0' });
  const deprecated = { description: 'Use demo.', since: '1.1.0' };
  await writeZipPackage(root, { name: 'gone', version: '1.0.0' });
  await writeZipPackage(root, { name: 'gone', version: '1.1.0', manifest: { deprecated } });
  await writeZipPackage(root, { name: 'gone', version: '1.2.0' });
  for (const name of ['exact', 'exact_gone']) {
    const requires = { input: [{ package: 'sql', version: '^1.0.0' }] };
    const files = packageFiles({ name, manifest: { requires, group: 'a' } });
    files['manifest.yml'] = `${String(files['manifest.yml'])}${exactVars}`;
    await writeZip(join(root, `${name}-1.0.0.zip`), `${name}-1.0.0`, files);
  }
  await writeZipPackage(root, { name: 'exact_gone', version: '1.1.0', manifest: { deprecated } });
});

const exactVars = `vars:
  - name: v
    type: text
    default: {large: 18446744073709551615, "10000": a, "2000": {text: ',\n  "deprecated": x'}}
`;

interface Info {
  readonly [key: string]: unknown;
}

test('a package is told whole', async (t) => {
  const reply = await get(server().url, '/package/demo/1.0.0/');
  isCacheable(t, reply, 10, 'application/json');
  isSameHead(t, await get(server().url, '/package/demo/1.0.0/', { method: 'HEAD' }), reply);
  const info = JSON.parse(reply.text) as Info;
  t.is(info['name'], 'demo');
  t.is(info['download'], '/epr/demo/demo-1.0.0.zip');
  t.is(info['path'], '/package/demo/1.0.0');
  t.is(info['readme'], '/package/demo/1.0.0/docs/README.md');
  t.is(info['type'], 'integration');
  t.is(info['release'], 'ga');
  t.is(info['license'], 'basic');
  t.is(info['signature_path'], undefined);
  t.like((info['icons'] as readonly object[])[0], {
    src: '/img/icon.svg',
    path: '/package/demo/1.0.0/img/icon.svg',
  });
  t.like((info['data_streams'] as readonly object[])[0], {
    dataset: 'demo.log',
    package: 'demo',
    path: 'log',
    ingest_pipeline: 'default',
  });
  t.like((info['policy_templates'] as readonly object[])[0], { multiple: true });
  t.true((info['assets'] as readonly string[]).includes('/package/demo/1.0.0/manifest.yml'));
});

test('JSON is indented, in ASCII, with one newline, and leaves <, > and & alone', async (t) => {
  const { text, body } = await get(server().url, '/package/demo/1.0.0/');
  t.true(body.every((byte) => byte < 0x80));
  t.true(text.includes('a < b & c > d, \\"\\u00e9\\", \\u65e5\\u672c, \\ud83d\\ude00'));
  t.is((JSON.parse(text) as Info)['description'], 'a < b & c > d, "é", 日本, 😀');
  t.is(text, `${text.trimEnd()}\n`);
  t.true(text.startsWith('{\n  "name": "demo",\n  "title": "Demo",\n  "version": "1.0.0",\n'));
});

test('a package is found whether it is experimental, a prerelease or below 1.0', async (t) => {
  t.is((await getJson<Info>(server().url, '/package/experiment/1.0.0/'))['release'], 'experimental');
  t.is((await getJson<Info>(server().url, '/package/tagged/2.0.0-rc.1/'))['release'], 'beta');
  t.is((await getJson<Info>(server().url, '/package/old/0.9.0/'))['release'], 'beta');
});

test('what is not there is 404, what is no version is 400', async (t) => {
  const unknown = 'package revision not found';
  for (const path of ['nosuch/1.0.0/', 'demo/9.9.9/', 'demo/1.0.0+build/', 'nosuch/1.0.0/manifest.yml']) {
    isRefused(t, await get(server().url, `/package/${path}`), 404, unknown);
  }
  for (const version of [
    '1',
    '1.0',
    'v1.0.0',
    '01.0.0',
    'latest',
    '1.0.0.0',
    '1.0.0-',
    '*',
    '%20',
    '1.0.0%00',
  ]) {
    isRefused(t, await get(server().url, `/package/demo/${version}/`), 400, 'invalid package version');
    isRefused(
      t,
      await get(server().url, `/package/demo/${version}/manifest.yml`),
      400,
      'invalid package version',
    );
  }
});

test('HEAD of a refusal has its headers and no body', async (t) => {
  for (const path of [
    '/package/nosuch/1.0.0/',
    '/package/demo/x/',
    '/nosuch',
    '/search?all=x',
    '/package/demo/1.0.0/no',
  ]) {
    isSameHead(t, await get(server().url, path, { method: 'HEAD' }), await get(server().url, path));
  }
});

test('the newest deprecation is shown on every version of its name', async (t) => {
  const { url } = server();
  const expected = { description: 'Use demo.', since: '1.1.0' };
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    const info = await getJson<Info>(url, `/package/gone/${version}/`);
    t.like(info['deprecated'], expected, version);
    const keys = Object.keys(info);
    t.true(keys.indexOf('deprecated') < keys.indexOf('format_version'), version);
  }
  const items = await getJson<readonly Info[]>(url, '/search?package=gone&all=true');
  t.is(items.length, 3);
  for (const item of items) {
    t.like(item['deprecated'], expected);
  }
  t.is((await getJson<Info>(url, '/package/demo/1.0.0/'))['deprecated'], undefined);
});

test('a deprecation that is shared leaves all else as it was, numbers and the order of keys too', async (t) => {
  const { url } = server();
  const added = '  "deprecated": {\n    "since": "1.1.0",\n    "description": "Use demo."\n  },\n';
  const plain = (await get(url, '/package/exact/1.0.0/')).text.replaceAll(/exact/gi, '$&_gone');
  t.regex(plain, /"10000": "a",\s+"2000": \{[^}]+\},\s+"large": 18446744073709551615/);
  t.is(
    (await get(url, '/package/exact_gone/1.0.0/')).text,
    plain.replace('  "requires"', `${added}  "requires"`),
  );
  const item = (await get(url, '/search?package=exact')).text.replaceAll(/exact/gi, '$&_gone');
  const all = (await get(url, '/search?package=exact_gone&all=true')).text;
  t.true(all.startsWith(item.slice(0, item.indexOf('    "requires"'))));
  t.true(all.includes(added.replaceAll(/^/gm, '  ').trimEnd()));
});
