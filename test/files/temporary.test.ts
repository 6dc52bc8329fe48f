import { readdir, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { discardLeftIn, temporaryBeside } from '../../src/files/temporary.ts';
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

test('a temporary name is hidden, new each time, and fits whatever the name of its file', async (t) => {
  const target = `${'\u{10000}'.repeat(60)}.tar`;
  const [one, two] = [await temporaryBeside(target), await temporaryBeside(target)];
  t.not(one, two);
  t.true(basename(one).startsWith('.'));
  t.true(Buffer.byteLength(basename(one)) <= 255);
});
