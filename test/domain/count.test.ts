import test from 'ava';
import { countOf } from '../../src/domain/count.ts';

test('one thing is named in the singular, none and many in the plural', (t) => {
  t.deepEqual(
    [0, 1, 2].map((count) => countOf(count, 'package')),
    ['0 packages', '1 package', '2 packages'],
  );
  t.deepEqual(
    [0, 1, 2].map((count) => countOf(count, 'is', 'are')),
    ['0 are', '1 is', '2 are'],
  );
});
