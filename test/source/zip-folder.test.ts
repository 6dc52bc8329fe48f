import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { createZipFolderSource } from '../../src/source/zip-folder.ts';
import { sourceContract } from '../contract/source.ts';
import { first } from '../support/first.ts';
import { signatureOf } from '../support/armored.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const create = (root: string): ReturnType<typeof createZipFolderSource> =>
  createZipFolderSource(root, testLimits, createKeptLog());

sourceContract({
  title: 'folder of zips',
  create,
  put: writeZipPackage,
  spoil: (root, name, version) => truncate(join(root, `${name}-${version}.zip`), 100),
});

test('zips are found at any depth, in the order of a walk', async (t) => {
  const root = await scratch(t);
  for (const folder of ['', 'a', 'a/b/c', 'a-b', 'a.zip']) {
    await writeZipPackage(join(root, folder), { name: 'demo' });
  }
  await writeFile(join(root, 'README.md'), 'not a package');
  await writeFile(join(root, 'X.ZIP'), 'not by this name');
  const { refs, problems } = await create(root).list();
  t.deepEqual(
    refs.map((ref) => ref.label),
    [
      'a/b/c/demo-1.0.0.zip',
      'a/demo-1.0.0.zip',
      'a-b/demo-1.0.0.zip',
      'a.zip/demo-1.0.0.zip',
      'demo-1.0.0.zip',
    ],
  );
  t.deepEqual(problems, []);
});

test('symlinks to zips and folders are followed, each folder once', async (t) => {
  const root = await scratch(t);
  const elsewhere = await scratch(t);
  await writeZipPackage(join(elsewhere, 'far'), { name: 'far' });
  await writeZipPackage(elsewhere, { name: 'single' });
  await symlink(join(elsewhere, 'far'), join(root, 'b'));
  await symlink(join(elsewhere, 'far'), join(root, 'c'));
  await symlink(join(elsewhere, 'single-1.0.0.zip'), join(root, 'a.zip'));
  await symlink(join(elsewhere, 'nothing.zip'), join(root, 'z.zip'));
  const { refs, problems } = await create(root).list();
  t.deepEqual(
    refs.map((ref) => ref.label),
    ['a.zip', 'b/far-1.0.0.zip'],
  );
  t.deepEqual(problems, [
    {
      path: join(root, 'z.zip'),
      label: 'z.zip',
      reason: 'its symlink leads nowhere, or cannot be followed',
      severity: 'quarantine',
    },
  ]);
});

test('a volume of Kubernetes lists each zip once', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(join(root, '..2026_01_01'), {});
  await symlink('..2026_01_01', join(root, '..data'));
  await symlink('..data/demo-1.0.0.zip', join(root, 'demo-1.0.0.zip'));
  const { refs } = await create(root).list();
  t.deepEqual(
    refs.map((ref) => ref.label),
    ['demo-1.0.0.zip'],
  );
});

test('a signature beside the zip is described, and served where it is one', async (t) => {
  const root = await scratch(t);
  const path = await writeZipPackage(root, {});
  const armor = await signatureOf('some bytes');
  await writeFile(`${path}.sig`, armor);
  const source = create(root);
  const ref = first((await source.list()).refs);
  t.like(ref?.signature, { path: `${path}.sig`, size: armor.length });
  const file = await source.openSignature(ref);
  t.is(file && (await buffer(file.stream(0, file.size - 1))).toString(), armor);
  t.is(file && (await buffer(file.stream(0, 4))).toString(), '-----');
  await file?.close();
  for (const [title, content] of Object.entries({
    binary: Buffer.from([0xc2, 0xc0, 0x73, 4, 0]),
    html: '<html>404</html>',
    empty: '',
    large: armor + ' '.repeat(70_000),
  })) {
    await writeFile(`${path}.sig`, content);
    t.is(await source.openSignature(ref), undefined, title);
  }
  await rm(`${path}.sig`);
  t.is(await source.openSignature(ref), undefined);
  t.is((await source.list()).refs[0]?.signature, undefined);
});

test('a folder or a broken link beside the zip is no signature', async (t) => {
  const root = await scratch(t);
  const a = await writeZipPackage(root, { name: 'a' });
  const b = await writeZipPackage(root, { name: 'b' });
  await mkdir(`${a}.sig`);
  await symlink('nowhere', `${b}.sig`);
  const { refs, problems } = await create(root).list();
  t.deepEqual(
    refs.map((ref) => ref.signature),
    [undefined, undefined],
  );
  t.deepEqual(problems, []);
});

test('an archive that is replaced while it is sent keeps its bytes; one that is cut ends with an error', async (t) => {
  const root = await scratch(t);
  const path = await writeZipPackage(root, {
    files: { 'large.bin': Buffer.from(Array.from({ length: 600_000 }, (_, at) => (at * at * 31) >> 5)) },
  });
  const source = create(root);
  const ref = first((await source.list()).refs);
  const file = await source.openArchive(ref);
  const before = await buffer(file.stream(0, file.size - 1));
  const stream = file.stream(0, file.size - 1);
  await writeZipPackage(join(root, 'new'), {});
  await rename(join(root, 'new', 'demo-1.0.0.zip'), path);
  t.deepEqual(await buffer(stream), before);
  await file.close();
  const cut = await source.openArchive(ref);
  t.not(cut.etag, file.etag);
  const rest = cut.stream(0, cut.size - 1);
  await truncate(path, 10);
  await t.throwsAsync(buffer(rest), {
    code: 'FILE_UNREADABLE',
    message: /demo-1\.0\.0\.zip has become shorter/,
  });
  await cut.close();
});
