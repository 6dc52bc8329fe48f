import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createPackageSources } from '../../src/source/combined.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

test('a package path that was emptied is empty, one whose disk is gone is lost, and it is found again', async (t) => {
  const folder = await scratch(t);
  const root = join(folder, 'packages');
  await mkdir(join(folder, 'disk'));
  await writeZipPackage(join(folder, 'disk'), { name: 'one' });
  await symlink('disk', root);
  const source = createPackageSources([root], testLimits, createKeptLog());
  const look = async (): Promise<[number, string | undefined]> => {
    const { refs, problems } = await source.list();
    return [refs.length, problems.find(({ isRoot }) => isRoot)?.reason];
  };
  t.deepEqual(await look(), [1, undefined]);
  // Another file system, without packages: as what a mount point is without its disk.
  const switchTo = async (place: string): Promise<void> => {
    await symlink(place, `${root}.new`);
    await rename(`${root}.new`, root);
  };
  await switchTo('/proc/self/fdinfo');
  const lost =
    'the disk that was served is gone: the package path is a folder of another one, without packages';
  t.deepEqual(await look(), [0, lost]);
  t.deepEqual(await look(), [0, lost], 'it stays lost');
  await switchTo('disk');
  t.deepEqual(await look(), [1, undefined]);
  await rm(join(folder, 'disk', 'one-1.0.0.zip'));
  t.deepEqual(await look(), [0, undefined]);
});
