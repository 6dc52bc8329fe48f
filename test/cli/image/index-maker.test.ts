import { cp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runCommand, startServer } from '../../support/command.ts';
import { createImageSite, type BaseChanges, type ImageSite } from '../../support/image-site.ts';
import { writeFolderPackage, writeZipPackage } from '../../support/packages.ts';

/** The settings of the image's server, as flags. */
const serverWords = ({ folder, packages, cache }: ImageSite): readonly string[] => [
  '-package-paths',
  `${join(folder, 'root/mounted')},${packages}`,
  '-cache-dir',
  cache,
  '-require-package-signatures=false',
  '-max-entries=9000',
];

const check = async (site: ImageSite): Promise<string> =>
  (await runCommand(['index', 'check', ...serverWords(site)], { cwd: site.folder })).stdout;

test('an image carries the index of its packages: a start compares all of them and judges none', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  await writeZipPackage(site.content, { name: 'one' });
  await writeZipPackage(join(site.content, 'deeper'), { name: 'two' });
  const { code, report, stderr } = await site.make(['--base', 'base.tar', '-o', 'made.tar']);
  t.is(code, 0, stderr);
  t.like(report.index, { packages: 2, unknown: 0 });
  t.is(report.layers.at(-1)?.files, 1);
  const entries = await site.unpack('made.tar');
  t.is(`/${entries.at(-1)?.header.name}`, report.index?.file ?? '');
  const rights = entries.map(({ header }) => [`/${header.name}`, header.mode, header.uid, header.gid]);
  t.deepEqual(rights.slice(-3, -1), [
    [`${join(site.cache, '..')}/`, 0o750, 7, 8],
    [`${site.cache}/`, 0o777, 0, 0],
  ]);
  t.regex(await check(site), /whole, 2 packages in it, 2 found; a start reads 0, compares 2 and forgets 0/);

  // Damage that the directory doesn't show: who judges notices it, who compares the directory doesn't look there.
  const damaged = join(site.packages, 'one-1.0.0.zip');
  const bytes = await readFile(damaged);
  const manifest = bytes.indexOf('one-1.0.0/manifest.yml') + 'one-1.0.0/manifest.yml'.length;
  await writeFile(damaged, bytes.fill(0, manifest + 5, manifest + 60));
  const server = await startServer(t, ['serve', ...serverWords(site)], { cwd: site.folder });
  const found = (await (await fetch(`${server.url}/search`)).json()) as readonly { readonly name: string }[];
  t.deepEqual(
    found.map(({ name }) => name),
    ['one', 'two'],
    'neither was judged',
  );
  t.is((await fetch(`${server.url}/package/one/1.0.0/manifest.yml`)).status, 500);
  t.notRegex(server.log(), /index-not-taken|index-not-kept|package-quarantined/);
});

test('the index layer is the same for the same packages, at another place, with other times and by another run', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  for (const name of ['one', 'two', 'three']) {
    await writeZipPackage(site.content, { name });
  }
  await site.make(['--base', 'base.tar', '-o', 'first.tar']);
  await rename(site.content, join(site.folder, 'away'));
  await cp(join(site.folder, 'away'), site.content, { recursive: true });
  await utimes(join(site.content, 'one-1.0.0.zip'), 1, 1);
  await site.make(['--base', 'base.tar', '-o', 'second.tar']);
  const [first, second] = await Promise.all(
    ['first.tar', 'second.tar'].map((name) => readFile(join(site.folder, name))),
  );
  t.true(first !== undefined && second !== undefined && first.equals(second));
});

test('what is not the archive that was judged is judged at the start, and what is gone is forgotten', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  for (const name of ['changed', 'gone', 'stays']) {
    await writeZipPackage(site.content, { name });
  }
  await site.make(['--base', 'base.tar', '-o', 'made.tar']);
  await site.unpack('made.tar');
  const other = await writeZipPackage(join(site.folder, 'other'), {
    name: 'changed',
    manifest: { description: 'Another one.' },
  });
  await rename(other, join(site.packages, 'changed-1.0.0.zip'));
  await rm(join(site.packages, 'gone-1.0.0.zip'));
  t.regex(await check(site), /a start reads 1, compares 1 and forgets 1/);
  const server = await startServer(t, ['serve', ...serverWords(site)], { cwd: site.folder });
  const answer = await fetch(`${server.url}/package/changed/1.0.0/`);
  t.is(((await answer.json()) as { readonly description: string }).description, 'Another one.');
  t.is((await fetch(`${server.url}/package/gone/1.0.0/`)).status, 404);
  t.is((await fetch(`${server.url}/package/stays/1.0.0/`)).status, 200);
});

test('under other settings than the image has, its index is not looked at', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  await writeZipPackage(site.content, { name: 'one' });
  await site.make(['--base', 'base.tar', '-o', 'made.tar']);
  await site.unpack('made.tar');
  const words = serverWords(site).filter((word) => word !== '-require-package-signatures=false');
  const { stdout } = await runCommand(['index', 'check', ...words], { cwd: site.folder });
  t.regex(stdout, /there is no index of this version for these settings; a start reads the package$/m);
});

test('broken packages and folders are left to the start, and are named', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  await writeZipPackage(site.content, { name: 'good' });
  await writeFolderPackage(site.content, { name: 'unpacked' });
  await writeFile(join(site.content, 'broken-1.0.0.zip'), 'no archive');
  const words = [
    'image',
    '--content',
    site.content,
    '--into',
    site.packages,
    '--base',
    'base.tar',
    '-o',
    'a.tar',
  ];
  const { code, stdout, stderr } = await runCommand(words, { cwd: site.folder });
  t.is(code, 0);
  t.regex(stdout, /^ready index of 1 package in \/.*\.fleet; 1 other is read at each start$/m);
  t.regex(stderr, /^broken-1\.0\.0\.zip: .*/m);
  await site.unpack('a.tar');
  t.regex(await check(site), /3 found; a start reads 2, compares 1 and forgets 0/);
});

test('upon an image with packages, what it knows of them stays known, but for those that are replaced', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  await writeZipPackage(site.content, { name: 'one' });
  await writeZipPackage(site.content, { name: 'replaced' });
  await site.make(['--base', 'base.tar', '-o', 'first.tar']);
  await rm(site.content, { recursive: true });
  await writeZipPackage(site.content, { name: 'two' });
  await writeZipPackage(site.content, { name: 'replaced', manifest: { description: 'Another one.' } });
  const { report } = await site.make(['--base', 'first.tar', '-o', 'second.tar']);
  t.like(report.index, { packages: 2 });
  await site.unpack('second.tar');
  t.regex(await check(site), /whole, 3 packages in it, 3 found; a start reads 0, compares 3 and forgets 0/);
  const server = await startServer(t, ['serve', ...serverWords(site)], { cwd: site.folder });
  const answer = await fetch(`${server.url}/package/replaced/1.0.0/`);
  t.is(((await answer.json()) as { readonly description: string }).description, 'Another one.');
});

const without: readonly (readonly [string, BaseChanges, readonly string[], RegExp])[] = [
  [
    'another build of the program',
    { files: [{ name: 'opt/fleet-depot/dist/judging.sha256', content: 'other' }] },
    [],
    /another build of the program than this one, \d/,
  ],
  [
    'a program that is not in it',
    { entrypoint: ['/srv/other/bin/fleet-depot.js'] },
    [],
    /another build of the program/,
  ],
  ['another verb as its command', { cmd: ['health'] }, [], /does not start `fleet-depot serve`/],
  ['another program', { entrypoint: ['/bin/server'] }, [], /does not start `fleet-depot serve`/],
  ['a flag that is none', { cmd: ['serve', '-nosuch'] }, [], /does not start `fleet-depot serve`/],
  [
    'no folder for the index',
    { env: ['EPR_CACHE_DIR='] },
    [],
    /names no folder for the index \(EPR_CACHE_DIR\)/,
  ],
  [
    'settings that are wrong',
    { env: ['EPR_MAX_ENTRIES=many'] },
    [],
    /server won't start with .*EPR_MAX_ENTRIES/,
  ],
  ['verified signatures', { env: ['EPR_SIGNATURE_POLICY=verified'] }, [], /`verified`, and the keyring/],
  ['other package paths', {}, ['--env', 'EPR_PACKAGE_PATHS=/srv'], /is in no package path .*\(\/srv\)/],
  [
    'a link on the way to its folder',
    {
      env: ['EPR_CACHE_DIR=/var/link/cache'],
      files: [{ name: 'var/link', header: { type: 'symlink', linkname: 'x' } }],
    },
    [],
    /something on the way to \/var\/link\/cache \(EPR_CACHE_DIR\) is no folder/,
  ],
];

for (const [title, changes, words, reason] of without) {
  test(`a base with ${title} gives an image without the index, and says why`, async (t) => {
    const site = await createImageSite(t);
    await site.writeBase(
      'base.tar',
      changes.env?.[0]?.startsWith('EPR_MAX') ? { ...changes, cmd: ['serve'] } : changes,
    );
    await writeZipPackage(site.content, { name: 'one' });
    const { code, report, stderr } = await site.make(['--base', 'base.tar', '-o', 'made.tar', ...words]);
    t.is(code, 0, stderr);
    t.regex(report.index?.reason ?? '', reason);
    t.is(report.layers.length, 1);
  });
}

test('--no-index and an image without a base have none, and need no word about it', async (t) => {
  const site = await createImageSite(t);
  await site.writeBase('base.tar');
  await writeZipPackage(site.content, { name: 'one' });
  t.is((await site.make(['--base', 'base.tar', '--no-index', '-o', 'a.tar'])).report.index, undefined);
  t.is((await site.make(['-o', 'b.tar'])).report.index, undefined);
});
