import { readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { createOpenPackages } from '../../src/answer/open-packages.ts';
import { createPackageSources } from '../../src/source/combined.ts';
import { eventually } from '../support/eventually.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { first } from '../support/first.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const isOpen = async (path: string): Promise<boolean> => {
  const places = (await readdir('/proc/self/fd')).map((fd) =>
    readlink(join('/proc/self/fd', fd)).catch(() => ''),
  );
  return (await Promise.all(places)).some((place) => place.startsWith(path));
};

test('a package that nobody asks for any more is closed, so that a removed one gives its place on the disk back', async (t) => {
  const folder = await scratch(t);
  const path = await writeZipPackage(folder);
  const source = createPackageSources([folder], testLimits, createKeptLog());
  const packages = createOpenPackages(source, { packages: 8, files: 1000 }, 50);
  t.teardown(() => packages.close());
  const { refs } = await source.list();
  const manifest = await packages.with(first(refs), async (files) => {
    await rm(path);
    // Opening it anew fails, which shows that it is not kept any more; the one that is in use stays open.
    await eventually('it is not kept any more', async () => {
      await setTimeout(100);
      return packages
        .with(first(refs), () => Promise.resolve())
        .then(
          () => false,
          () => true,
        );
    });
    t.true(await isOpen(path));
    return files.read('manifest.yml');
  });
  t.true(manifest.length > 0);
  await eventually('it is closed', async () => !(await isOpen(path)));
  t.false(await isOpen(path));
});

test('packages stay open only as far as their files are few: one that has too many is closed when it was read', async (t) => {
  const folder = await scratch(t);
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`docs/knowledge_base/${index}.md`, '#']),
  );
  const paths = [
    await writeZipPackage(folder, { name: 'small' }),
    await writeZipPackage(folder, { name: 'tiny' }),
    await writeZipPackage(folder, { name: 'large', files: many }),
  ];
  const source = createPackageSources([folder], testLimits, createKeptLog());
  const { refs } = await source.list();
  const opened = refs.toSorted((a, b) => paths.indexOf(a.path) - paths.indexOf(b.path));
  const counts = await Promise.all(
    opened.map(async (ref) => {
      const files = await source.open(ref);
      await files.close();
      return files.count;
    }),
  );
  const [small = 0, tiny = 0, large = 0] = counts;
  const packages = createOpenPackages(source, { packages: 8, files: small + tiny });
  t.teardown(() => packages.close());
  const read = async (ref: (typeof refs)[number]): Promise<number> =>
    (await packages.with(ref, (files) => files.read('manifest.yml'))).length;

  t.true(large > small + tiny);
  for (const ref of opened) {
    t.true((await read(ref)) > 0);
  }
  await eventually('the large one is closed', async () => !(await isOpen(paths[2] ?? '')));
  t.deepEqual(await Promise.all(paths.map(isOpen)), [true, true, false]);
});

test('what is asked for while it is being opened is opened once', async (t) => {
  const folder = await scratch(t);
  await writeZipPackage(folder);
  const source = createPackageSources([folder], testLimits, createKeptLog());
  let count = 0;
  const counting = {
    ...source,
    open: (...args: Parameters<typeof source.open>) => {
      count += 1;
      return source.open(...args);
    },
  };
  const packages = createOpenPackages(counting, { packages: 8, files: 1000 });
  t.teardown(() => packages.close());
  const { refs } = await source.list();
  const sizes = await Promise.all(
    Array.from({ length: 10 }, () =>
      packages.with(first(refs), async (files) => (await files.read('manifest.yml')).length),
    ),
  );
  t.is(new Set(sizes).size, 1);
  t.is(count, 1);
});
