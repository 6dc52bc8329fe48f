import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { get, getJson } from '../support/client.ts';
import { runCommand } from '../support/command.ts';
import { hostileZips, testLimits } from '../support/hostile-zips.ts';
import { packageFiles, writeFolderPackage, writeZip, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { serveFolder } from '../support/served-folder.ts';

const limits = {
  'max-entries': String(testLimits.maxEntries),
  'max-entry-size': String(testLimits.maxEntryBytes),
  'max-package-size': String(testLimits.maxTotalBytes),
  'max-compression-ratio': String(testLimits.maxRatio),
  'max-manifest-size': String(testLimits.maxManifestBytes),
};

/** Manifests that no reader should choke on, and the reason that is to be told. */
const hostileManifests: Readonly<Record<string, readonly [Buffer | string, RegExp]>> = {
  huge: [
    `name: demo\n# ${randomBytes(1_000_000).toString('hex')}\n`,
    /manifest\.yml: its size is \d+ bytes, the limit is/,
  ],
  aliases: [
    [
      'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
      ...Array.from(
        { length: 12 },
        (_, at) => `a${at + 1}: &a${at + 1} [${Array(10).fill(`*a${at}`).join(',')}]`,
      ),
    ].join('\n'),
    /manifest\.yml: .*alias/,
  ],
  deep: [`name: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, /manifest\.yml: .*(depth|nest)/i],
  latin: [Buffer.from('name: demo\ntitle: caf\xe9\n', 'latin1'), /manifest\.yml: is not valid UTF-8/],
  dots: [`a${'.a'.repeat(400_000)}: 1\n`, /manifest\.yml: keys with dots make more than 100000 mappings/],
  dotted: [
    `a:\n  b${'.b'.repeat(100)}: 1\n`,
    /manifest\.yml: the key "b\.b.*…" is nested more than 100 levels/,
  ],
  indented: [
    `a: ${'['.repeat(90)}${'1,'.repeat(200_000)}${']'.repeat(90)}\n`,
    /manifest\.yml: has too many values, or too deep ones/,
  ],
  many: [`vars: [${'{},'.repeat(200_000)}]\n`, /manifest\.yml: has too many values, or too deep ones/],
  named: [
    `name: ${'n'.repeat(600)}\nversion: 1.0.0\n`,
    /manifest\.yml: name has 600 characters, the limit is 255/,
  ],
  list: ['- a\n- b\n', /manifest\.yml: is no YAML mapping/],
  empty: ['', /manifest\.yml: /],
};

const fill = async (root: string): Promise<void> => {
  await writeZipPackage(root, { name: 'good' });
  for (const [at, { bytes }] of hostileZips.entries()) {
    await writeFile(join(root, `hostile_${at}-1.0.0.zip`), bytes());
  }
  for (const [name, [manifest]] of Object.entries(hostileManifests)) {
    const files = { ...packageFiles({ name }), 'manifest.yml': manifest };
    await writeZip(join(root, `${name}-1.0.0.zip`), `${name}-1.0.0`, files);
  }
  await mkdir(join(root, 'folder.zip'));
};

test('of a folder of hostile archives the good one is served, and every other has a reason that names its file', async (t) => {
  const { url, app, lines } = await serveFolder(t, fill, { flags: limits });
  const items = await getJson<readonly { name: string }[]>(url, '/search?all=true&prerelease=true');
  t.deepEqual(
    items.map(({ name }) => name),
    ['good'],
  );
  const { quarantine } = await app.ready;
  const reasonsOf = (label: string): string =>
    quarantine.find((entry) => entry.label === label)?.reasons.join('\n') ?? '';
  for (const [at, { title }] of hostileZips.entries()) {
    const label = `hostile_${at}-1.0.0.zip`;
    t.true(reasonsOf(label).length > 10, `${title}: ${label}`);
    t.is(
      lines.filter(({ level, message }) => level === 'warn' && message.startsWith(`${label}: `)).length,
      1,
      title,
    );
  }
  for (const [name, [, reason]] of Object.entries(hostileManifests)) {
    t.regex(reasonsOf(`${name}-1.0.0.zip`), reason, name);
  }
  t.is((await getJson<{ quarantined: number }>(url, '/health')).quarantined, quarantine.length);
  t.is((await get(url, '/epr/good/good-1.0.0.zip')).status, 200);
  t.deepEqual(
    lines.filter(({ level }) => level === 'error'),
    [],
  );
});

test('with -strict the start ends with 1 and the first reason', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, { name: 'good' });
  await writeFile(join(root, 'text-1.0.0.zip'), 'a text');
  const { code, stderr } = await runCommand([
    'serve',
    '-strict',
    '-cache-dir',
    await scratch(t),
    '-address=127.0.0.1:0',
    '-package-paths',
    root,
    '-require-package-signatures=false',
  ]);
  t.is(code, 1);
  t.regex(
    stderr,
    /error: 1 package is refused and -strict is on; the first: text-1\.0\.0\.zip: .*not a zip file/,
  );
});

test('a dry run tells every reason and ends with 3', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { name: 'good' });
  await writeFolderPackage(root, { name: 'bad', files: { 'docs/README.md': undefined } });
  const { code, stdout } = await runCommand([
    'serve',
    '-dry-run',
    '-cache-dir',
    await scratch(t),
    '-package-paths',
    root,
    '-require-package-signatures=false',
  ]);
  t.is(code, 3);
  t.regex(stdout, /^bad\/1\.0\.0: .*docs\/README\.md/m);
  t.regex(stdout, /1 package version would be served, 1 is in quarantine/);
});
