import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeFolder, syncFolder } from '../../src/files/folder.ts';
import { scratch } from '../support/scratch.ts';

test('folders that are made at the same time below the same new ones are all there', async (t) => {
  const folder = await scratch(t);
  for (let round = 0; round < 50; round += 1) {
    const deep = join(folder, `${round}`, 'a', 'b', 'c', 'd');
    const all = [deep, join(deep, '..'), join(deep, '..', '..'), `${deep}2`, join(deep, 'e')];
    await Promise.all([...all, ...all].map((one) => makeFolder(one)));
    for (const one of all) {
      t.true((await stat(one)).isDirectory());
    }
  }
});

test('a folder that is gone cannot be synced, and one on a file system that syncs none is left alone', async (t) => {
  await t.throwsAsync(syncFolder(join(await scratch(t), 'gone')), { code: 'ENOENT' });
  await t.notThrowsAsync(syncFolder('/proc/self'));
});
