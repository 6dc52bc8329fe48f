import test from 'ava';
import { createArchiveCache } from '../../src/answer/archive-cache.ts';
import { servedBytes } from '../../src/source/served-file.ts';

test('archives that are asked for again at the same time are not all read into memory at once', async (t) => {
  const cache = createArchiveCache(1000);
  const ask = (key: string) => cache.admit(key, servedBytes(Buffer.alloc(150, key), 0));
  t.is(await ask('a'), undefined);
  t.is(await ask('b'), undefined);
  const [a, again, b] = await Promise.all([ask('a'), ask('a'), ask('b')]);
  t.is(a?.bytes, again?.bytes);
  t.is(b, undefined);
  const later = await ask('b');
  t.deepEqual(later?.bytes, Buffer.alloc(150, 'b'));
  t.is(cache.take('a')?.bytes, a?.bytes);
});
