import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ensureFolder } from '../../src/mirror/durable.ts';
import { scratch } from '../support/scratch.ts';

test('folders that are made at the same time below the same new ones are all there', async (t) => {
  const folder = await scratch(t);
  for (let round = 0; round < 20; round += 1) {
    const names = Array.from({ length: 20 }, (_, count) => `f${count}`);
    const above = join(folder, `${round}`, 'a', 'b', 'c');
    await Promise.all(names.map((name) => ensureFolder(join(above, name))));
    t.deepEqual((await readdir(above)).toSorted(), names.toSorted());
  }
});
