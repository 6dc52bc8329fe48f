import { renameSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createPackageSources } from '../../src/source/combined.ts';
import { first } from '../support/first.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

test('zips of all paths come before folders of all paths, each in the order of the paths', async (t) => {
  const [a, b] = [await scratch(t), await scratch(t)];
  await writeFolderPackage(a, { name: 'one' });
  await writeZipPackage(a, { name: 'two' });
  await writeFolderPackage(b, { name: 'three' });
  await writeZipPackage(b, { name: 'four' });
  const source = createPackageSources([b, a, b], testLimits, createKeptLog());
  const { refs, problems } = await source.list();
  t.deepEqual(
    refs.map((ref) => ref.label),
    ['four-1.0.0.zip', 'two-1.0.0.zip', 'three/1.0.0', 'one/1.0.0'],
  );
  t.deepEqual(problems, []);
  for (const ref of refs) {
    const files = await source.open(structuredClone(ref));
    t.is(files.topFolder === undefined, ref.kind === 'folder');
    t.true((await files.read('manifest.yml')).length > 0);
    await files.close();
    const archive = await source.openArchive(structuredClone(ref));
    t.true(archive.size > 0);
    await archive.close();
    t.is(await source.openSignature(ref), undefined);
  }
});

test('a ref from elsewhere is refused, also one beside a path that only begins alike', async (t) => {
  const root = await scratch(t);
  const source = createPackageSources([join(root, 'a')], testLimits, createKeptLog());
  await writeZipPackage(join(root, 'a'), {});
  const ref = first((await source.list()).refs);
  await writeZipPackage(join(root, 'ab'), {});
  const other = { ...ref, path: join(root, 'ab', 'demo-1.0.0.zip') };
  await t.throwsAsync(source.open(other), { code: 'FILE_UNREADABLE', message: /lies in no package path/ });
});

test('what two sources see of one path is told once', async (t) => {
  const root = await scratch(t);
  const missing = createPackageSources([join(root, 'missing')], testLimits, createKeptLog());
  t.is((await missing.list()).problems.length, 1);
  await mkdir(join(root, 'demo', 'odd'), { recursive: true });
  await symlink('nowhere', join(root, 'demo', 'odd', 'x.zip'));
  const { problems } = await createPackageSources([root], testLimits, createKeptLog()).list();
  t.deepEqual(
    problems.map(({ label, severity }) => [label, severity]),
    [
      ['demo/odd/x.zip', 'quarantine'],
      ['demo/odd', 'ignored'],
    ],
  );
});

test('no paths at all are an empty source', async (t) => {
  t.deepEqual(await createPackageSources([], testLimits, createKeptLog()).list(), { refs: [], problems: [] });
});

test('a listing during which the symlink of a path is swapped is of one state, the new one', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(join(root, 'old'), { name: 'gone' });
  await writeFolderPackage(join(root, 'old'), { name: 'old' });
  await writeZipPackage(join(root, 'new'), { name: 'new' });
  await writeFolderPackage(join(root, 'new'), { name: 'unpacked' });
  await symlink('old', join(root, 'path'));
  await symlink('new', join(root, 'next'));
  const log = createKeptLog();
  let isSwapped = false;
  // The archives are listed, the folders may or may not be.
  const swapping = {
    ...log,
    debug: () => {
      if (!isSwapped) {
        isSwapped = true;
        renameSync(join(root, 'next'), join(root, 'path'));
      }
    },
  };
  const { refs, problems } = await createPackageSources([join(root, 'path')], testLimits, swapping).list();
  t.true(isSwapped);
  t.deepEqual(
    refs.map(({ label }) => label),
    ['new-1.0.0.zip', 'unpacked/1.0.0'],
  );
  t.deepEqual(problems, []);
});
