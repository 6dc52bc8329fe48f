import test from 'ava';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { parseContentsPage } from '../../src/bundle/contents-page.ts';
import { parseManifest } from '../../src/bundle/manifest.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import { createBundleSite, type BundleSite } from '../support/bundle-site.ts';
import { packageFiles, zipBytes } from '../support/packages.ts';

const quiet = (): void => undefined;

const archive = (version: string, manifest: Readonly<Record<string, unknown>>): Promise<Buffer> =>
  zipBytes(`demo-${version}`, packageFiles({ version, manifest }));

const entryOf = (site: BundleSite, file: string, entry: string): string =>
  execFileSync('tar', ['xOf', site.at(file), entry], { encoding: 'utf8' });

const manifestOf = (site: BundleSite, file: string): string => entryOf(site, file, 'manifest.json');

test('a bundle says which Kibana each package wants, however its manifest writes it', async (t) => {
  const site = await createBundleSite(t);
  const files = {
    'demo-1.0.0.zip': await archive('1.0.0', { conditions: { kibana: { version: '^8.0.0  ||\n ^9.0.0' } } }),
    'demo-1.1.0.zip': await archive('1.1.0', { conditions: { 'kibana.version': '>=9.1.0, <10' } }),
    'demo-1.2.0.zip': await archive('1.2.0', {
      conditions: undefined,
      'conditions.kibana.version': '~9.2.0',
    }),
    'demo-1.3.0.zip': await archive('1.3.0', { conditions: undefined }),
    'demo-1.4.0.zip': await archive('1.4.0', { conditions: { kibana: { version: 'the `|` newest' } } }),
    'demo-1.5.0.zip': 'no archive at all',
    'demo-1.6.0.zip': await zipBytes('demo-1.6.0', { 'manifest.yml': 'name: [' }),
    'demo-1.7.0.zip': await zipBytes('demo-1.7.0', { 'readme.txt': 'no manifest' }),
    'downloads/demo-9.0.0.zip': await archive('9.0.0', {}),
  };
  await site.create(files, 'b.tar');
  const { entries } = parseManifest(Buffer.from(manifestOf(site, 'b.tar')), 'b.tar');
  t.deepEqual(
    entries.flatMap(({ path, kibana }) => (kibana === undefined ? [] : [[path, kibana]])),
    [
      ['demo-1.0.0.zip', '^8.0.0  ||\n ^9.0.0'],
      ['demo-1.1.0.zip', '>=9.1.0, <10'],
      ['demo-1.2.0.zip', '~9.2.0'],
    ],
  );

  const page = entryOf(site, 'b.tar', 'CONTENTS.md');
  t.regex(
    page,
    /^\| demo-1\.0\.0\.zip \| \d+ \| 1 \| [0-9a-f]{64} \| `\^8\.0\.0 \\\|\\\| \^9\.0\.0` \|$/m,
    'a bar is escaped, a line break does not end the row',
  );
  t.deepEqual(parseContentsPage(page, 'CONTENTS.md'), [
    { path: 'demo-1.0.0.zip', kibana: '^8.0.0 || ^9.0.0' },
    { path: 'demo-1.1.0.zip', kibana: '>=9.1.0, <10' },
    { path: 'demo-1.2.0.zip', kibana: '~9.2.0' },
    ...['1.3.0', '1.4.0', '1.5.0', '1.6.0', '1.7.0'].map((version) => ({ path: `demo-${version}.zip` })),
    { path: 'downloads/demo-9.0.0.zip' },
  ]);
  t.deepEqual(
    parseContentsPage(page.replaceAll('\n', '\r\n'), 'CONTENTS.md'),
    parseContentsPage(page, 'CONTENTS.md'),
  );

  t.is((await verifyBundle(await site.open(['b.tar']), quiet))[0]?.contents, 9);
  t.is((await site.import(['b.tar'], await site.depot())).written, 9);
  await site.create(Object.fromEntries(Object.entries(files).toReversed()), 'again.tar');
  t.deepEqual(await readFile(site.at('again.tar')), await readFile(site.at('b.tar')));
});

test('a list and a page of before, which say nothing of Kibana, are read', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'demo-1.0.0.zip': await archive('1.0.0', {}) }, 'b.tar');
  const manifest = manifestOf(site, 'b.tar');
  const before = manifest.replace(/,"kibana":"[^"]*"/, '');
  t.not(before, manifest);
  const [entry] = parseManifest(Buffer.from(before), 'b.tar').entries;
  t.is(entry?.path, 'demo-1.0.0.zip');
  t.is(entry?.kibana, undefined);
  const page = entryOf(site, 'b.tar', 'CONTENTS.md')
    .replace(' Kibana |', '')
    .replace(/ `[^`]*` \|$/m, '');
  t.regex(page, /[0-9a-f]{64} \|$/m);
  t.deepEqual(parseContentsPage(page, 'CONTENTS.md'), [{ path: 'demo-1.0.0.zip' }]);
});

test('a page of later is read with its further columns, and one that lacks lines is not taken for whole', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'demo-1.0.0.zip': await archive('1.0.0', {}), 'demo-2.0.0.zip': 'x' }, 'b.tar');
  const page = entryOf(site, 'b.tar', 'CONTENTS.md');
  const later = page.replaceAll(/^(\| .* \|)$/gm, '$1 more | `and |` more |');
  t.not(later, page);
  t.deepEqual(parseContentsPage(later, 'CONTENTS.md'), parseContentsPage(page, 'CONTENTS.md'));
  const cut = page.slice(0, page.lastIndexOf('| demo-2.0.0.zip'));
  t.throws(() => parseContentsPage(cut, 'CONTENTS.md'), {
    code: 'BUNDLE_INVALID',
    message: /^CONTENTS\.md: it says that it has 2 files, and 1 can be read: .* newer version/,
  });
});

test('what is no version constraint is refused, with the package that has it', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'demo-1.0.0.zip': await archive('1.0.0', {}) }, 'b.tar');
  const wrong = { code: 'BUNDLE_INVALID', message: /demo-1\.0\.0\.zip wants of Kibana is no version/ };
  for (const value of ['"newest"', '9', 'null', '""']) {
    const manifest = manifestOf(site, 'b.tar').replace(/"kibana":"[^"]*"/, `"kibana":${value}`);
    t.throws(() => parseManifest(Buffer.from(manifest), 'b.tar'), wrong, value);
  }
  const page = entryOf(site, 'b.tar', 'CONTENTS.md').replace(/ `\^[^`]*` /, ' `newest` ');
  t.throws(() => parseContentsPage(page, 'CONTENTS.md'), wrong);
});
