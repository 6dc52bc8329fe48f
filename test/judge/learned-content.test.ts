import test from 'ava';
import { createLearnedContent } from '../../src/judge/learned-content.ts';

const megabyte = 1024 * 1024;

test('what was learned is there again, and the same content is counted once', (t) => {
  const { mappings } = createLearnedContent();
  mappings.set('a', { tree: { name: 'a' } }, 5 * megabyte);
  mappings.set('a', { tree: { name: 'other' } }, 5 * megabyte);
  t.deepEqual(mappings.get('a'), { tree: { name: 'a' } });
  t.is(mappings.get('b'), undefined);
});

test('trees take bounded memory: the oldest are forgotten', (t) => {
  const { mappings } = createLearnedContent();
  for (const key of ['a', 'b', 'c']) {
    mappings.set(key, { reason: key }, 3 * megabyte);
  }
  t.is(mappings.get('a'), undefined);
  t.deepEqual(mappings.get('c'), { reason: 'c' });
});
