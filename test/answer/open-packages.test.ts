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
  const packages = createOpenPackages(source, 8, 50);
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
