import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { createDirectorySource } from '../../src/source/directory.ts';
import { createZipFolderSource } from '../../src/source/zip-folder.ts';
import { sourceContract } from '../contract/source.ts';
import { first } from '../support/first.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeFolder, writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const create = (root: string): ReturnType<typeof createDirectorySource> =>
  createDirectorySource(root, testLimits, createKeptLog());

sourceContract({
  title: 'folders',
  create,
  put: writeFolderPackage,
  spoil: async (root, name, version) => {
    await symlink('/etc/passwd', join(root, name, version, 'docs', 'passwd'));
  },
});

test('NAME/VERSION is what a folder promises; stray files and other folders are ignored, zips without a word', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { name: 'demo', version: '1.2.3-beta.1+build.7' });
  await writeZipPackage(root, { name: 'zipped' });
  await writeFile(join(root, 'zipped-1.0.0.zip.sig'), '');
  await writeFile(join(root, 'zipped-1.0.0.zip.sig.orig'), '');
  await writeFile(join(root, 'distribution.lock'), '');
  await writeFile(join(root, 'notes.txt'), '');
  await writeFile(join(root, 'demo', 'index.html'), '');
  for (const odd of ['v1.0.0', '1.0', 'latest', '01.0.0', '1.0.0 ', '1.0.0-01']) {
    await mkdir(join(root, 'demo', odd));
  }
  await symlink('nowhere', join(root, 'lost'));
  const { refs, problems } = await create(root).list();
  t.deepEqual(
    refs.map(({ label, expected }) => ({ label, expected })),
    [{ label: 'demo/1.2.3-beta.1+build.7', expected: { name: 'demo', version: '1.2.3-beta.1+build.7' } }],
  );
  t.true(problems.every((problem) => problem.severity === 'ignored'));
  t.deepEqual(problems.map((problem) => problem.label).toSorted(), [
    'demo/01.0.0',
    'demo/1.0',
    'demo/1.0.0 ',
    'demo/1.0.0-01',
    'demo/index.html',
    'demo/latest',
    'demo/v1.0.0',
    'lost',
    'notes.txt',
  ]);
});

test("what ext4 makes in the root of every volume is no package, not even one that can't be read", async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { name: 'demo' });
  await writeZipPackage(join(root, 'lost+found'), { name: 'stray' });
  for (const list of [create(root), createZipFolderSource(root, testLimits, createKeptLog())]) {
    const { refs, problems } = await list.list();
    t.false(refs.some(({ label }) => label.includes('lost')));
    t.false(problems.some(({ label }) => label.includes('lost')));
  }
});

test('files are ordered by depth, then by each name on the way', async (t) => {
  const root = await scratch(t);
  const paths = [
    'b',
    'a',
    'B',
    'a-b/x',
    'a/x',
    'a/b/y',
    'a.b/x',
    'a-b/a/y',
    '.DS_Store',
    'ä',
    '😀',
    '\uffee',
  ];
  await writeFolder(
    join(root, 'demo', '1.0.0'),
    Object.fromEntries(paths.filter((path) => path !== 'a').map((path) => [path, path])),
  );
  const ref = first((await create(root).list()).refs);
  const files = await create(root).open(ref);
  t.deepEqual(
    files.entries.map((entry) => entry.path),
    ['.DS_Store', 'B', 'b', 'ä', '\uffee', '😀', 'a/x', 'a-b/x', 'a.b/x', 'a/b/y', 'a-b/a/y'],
  );
  t.deepEqual(files.folders, ['a', 'a-b', 'a.b', 'a/b', 'a-b/a']);
});

test('symlinks inside a package are followed, those that lead out or round are refused', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { name: 'good' });
  await symlink('README.md', join(root, 'good', '1.0.0', 'docs', 'copy.md'));
  await symlink('docs', join(root, 'good', '1.0.0', 'more'));
  const cases: Record<string, [string, RegExp]> = {
    out: ['../../../good/1.0.0/manifest.yml', /"docs\/link" is a symlink that leads out of the package/],
    absolute: ['/etc', /leads out of the package/],
    sibling: [join(root, 'sibling', '1.0.0-x'), /leads out of the package|it is gone/],
    round: ['..', /"docs\/link" is a symlink that leads in a circle/],
    self: ['link', /"docs\/link" cannot be read: its symlinks lead in a circle/],
    broken: ['nothing', /"docs\/link" cannot be read: it is gone, or a symlink leads nowhere/],
  };
  for (const [name, [target]] of Object.entries(cases)) {
    await writeFolderPackage(root, { name });
    await symlink(target, join(root, name, '1.0.0', 'docs', 'link'));
  }
  const source = create(root);
  const { refs, problems } = await source.list();
  t.deepEqual(
    refs.map((ref) => ref.label),
    ['good/1.0.0'],
  );
  for (const [name, [, reason]] of Object.entries(cases)) {
    const problem = problems.find((each) => each.label === `${name}/1.0.0`);
    t.is(problem?.severity, 'quarantine', name);
    t.regex(problem?.reason ?? '', reason);
  }
  const files = await source.open(first(refs));
  t.is((await files.read('more/copy.md')).toString(), (await files.read('docs/README.md')).toString());
});

test('a symlink that is turned outwards after the walk is not followed', async (t) => {
  const root = await scratch(t);
  const path = await writeFolderPackage(root, {});
  const source = create(root);
  const files = await source.open(first((await source.list()).refs));
  await rm(join(path, 'docs'), { recursive: true });
  await symlink('/etc', join(path, 'docs'));
  await writeFile(join(root, 'README.md'), 'outside');
  await rm(join(path, 'manifest.yml'));
  await symlink(join(root, 'README.md'), join(path, 'manifest.yml'));
  await t.throwsAsync(files.read('manifest.yml'), {
    code: 'FOLDER_INVALID',
    message: /leads out of the package/,
  });
  await t.throwsAsync(files.read('docs/README.md'), { code: 'FILE_UNREADABLE' });
});

test('names that no archive may have, special files and files above the limits quarantine their package alone', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { name: 'good' });
  await writeFolderPackage(root, { name: 'backslash', files: { 'docs/a\\b': '' } });
  await writeFolderPackage(root, { name: 'newline', files: { 'docs/a\nb': '' } });
  await writeFolderPackage(root, { name: 'latin' });
  await writeFile(Buffer.concat([Buffer.from(join(root, 'latin', '1.0.0', 'caf')), Buffer.from([0xe9])]), '');
  await writeFolderPackage(root, { name: 'pipe' });
  execFileSync('mkfifo', [join(root, 'pipe', '1.0.0', 'docs', 'pipe')]);
  await writeFolderPackage(root, {
    name: 'large',
    files: { 'large.bin': Buffer.alloc(testLimits.maxEntryBytes + 1) },
  });
  const { refs, problems } = await create(root).list();
  t.deepEqual(
    refs.map((ref) => ref.label),
    ['good/1.0.0'],
  );
  t.deepEqual(
    problems.map(({ label, reason }) => [label, reason]),
    [
      [
        'backslash/1.0.0',
        '"docs/a\\\\b" has a backslash in its name; paths in a package are written with "/"',
      ],
      ['large/1.0.0', 'the size of "large.bin" is 5000001 bytes, the limit is 5000000 bytes'],
      ['latin/1.0.0', '"caf�" has a name that is not UTF-8'],
      ['newline/1.0.0', '"docs/a\\nb" has a control character in its name'],
      ['pipe/1.0.0', '"docs/pipe" is neither a file nor a folder'],
    ],
  );
});

test('the archive of a folder has the same bytes whenever, wherever and by whomever it is made', async (t) => {
  const archiveOf = async (): Promise<Buffer> => {
    const root = await scratch(t);
    await writeFolderPackage(root, { files: { 'img/größe.svg': '<svg/>', 'docs/.hidden': 'x' } });
    const source = create(root);
    const file = await source.openArchive(first((await source.list()).refs));
    const bytes = await buffer(file.stream(0, file.size - 1));
    await file.close();
    return bytes;
  };
  t.deepEqual(await archiveOf(), await archiveOf());
});

test('a changed folder gets another archive, also where its ref was listed before', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { files: { 'docs/x.md': 'one' } });
  const source = create(root);
  const before = await source.openArchive(first((await source.list()).refs));
  await writeFolderPackage(root, { files: { 'docs/x.md': 'two' } });
  const after = await source.openArchive(first((await source.list()).refs));
  t.not(before.etag, after.etag);
  t.true((await buffer(before.stream(0, before.size - 1))).length > 0);
  await Promise.all([before.close(), after.close()]);
});
