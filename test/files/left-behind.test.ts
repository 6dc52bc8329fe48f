import { readdir, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { discardLeftIn } from '../../src/files/left-behind.ts';
import { temporaryNames } from '../support/left-temporary.ts';
import { scratch } from '../support/scratch.ts';

test('what killed runs left goes, of another host once it is old; what a run writes, and files of others, stay', async (t) => {
  const folder = await scratch(t);
  const { mine, killed, earlier, foreign } = await temporaryNames(join(folder, 'site.asc'));
  const other = join(folder, 'notes.tmp');
  for (const file of [mine, killed, earlier, foreign, other]) {
    await writeFile(file, 'x');
  }
  await discardLeftIn(folder);
  const left = async (): Promise<string[]> => (await readdir(folder)).toSorted();
  t.deepEqual(await left(), [mine, foreign, other].map((file) => basename(file)).toSorted());
  await utimes(foreign, 1, 1);
  await discardLeftIn(folder);
  t.deepEqual(await left(), [mine, other].map((file) => basename(file)).toSorted());
});
