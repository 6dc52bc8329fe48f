import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createEntryPool } from '../../src/judge/entry-pool.ts';
import { findZip } from '../../src/source/zip-folder.ts';
import type { PackageRef } from '../../src/source/source.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const refsIn = async (folder: string, names: readonly string[]): Promise<PackageRef[]> => {
  for (const name of names) {
    await writeZipPackage(folder, { name });
  }
  const found = await Promise.all((await readdir(folder)).map((name) => findZip(join(folder, name))));
  return found.filter((ref) => 'stamp' in ref);
};

test('threads that still load when all is read come to their end, time after time', async (t) => {
  const refs = await refsIn(await scratch(t), ['a', 'b', 'c', 'd']);
  for (let round = 0; round < 5; round += 1) {
    const read: string[] = [];
    await createEntryPool(4).read(refs, testLimits, (ref, { reasons }) => {
      t.deepEqual(reasons, []);
      read.push(ref.label);
    });
    t.deepEqual(read.toSorted(), ['a-1.0.0.zip', 'b-1.0.0.zip', 'c-1.0.0.zip', 'd-1.0.0.zip']);
  }
});

test('a signal ends the reading, also while threads load, and nothing is reported behind it', async (t) => {
  const refs = await refsIn(await scratch(t), ['a', 'b', 'c']);
  const stop = new AbortController();
  let reports = 0;
  const early = createEntryPool(2).read(refs, testLimits, () => (reports += 1), stop.signal);
  stop.abort();
  await early;
  t.is(reports, 0);

  const second = new AbortController();
  const atFirst = (): void => {
    reports += 1;
    second.abort();
  };
  await createEntryPool(1).read(refs, testLimits, atFirst, second.signal);
  t.is(reports, 1);
});
