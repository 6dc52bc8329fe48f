import { basename } from 'node:path';
import test from 'ava';
import { temporaryBeside } from '../../src/files/temporary.ts';

test('a temporary name is hidden, new each time, and fits whatever the name of its file', async (t) => {
  const target = `${'\u{10000}'.repeat(60)}.tar`;
  const [one, two] = [await temporaryBeside(target), await temporaryBeside(target)];
  t.not(one, two);
  t.true(basename(one).startsWith('.'));
  t.true(Buffer.byteLength(basename(one)) <= 255);
});
