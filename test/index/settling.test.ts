import test from 'ava';
import { createSettling, settleTime } from '../../src/index/settling.ts';
import type { PackageRef } from '../../src/source/source.ts';

const ref = (modifiedAt: number, stamp = 'a'): PackageRef => ({
  kind: 'zip',
  path: '/p/demo-1.0.0.zip',
  label: 'demo-1.0.0.zip',
  stamp,
  size: 1,
  modifiedAt,
});

test('what was written to long ago is settled at once, what was just now is after a while', (t) => {
  const clocks = { wall: () => 1_000_000, steady: () => 0 };
  const settling = createSettling(clocks);
  t.true(settling.look()(ref(1_000_000 - settleTime - 1)));
  t.false(settling.look()(ref(1_000_000 - 10)));
});

test('a time in the future is believed only after the package was seen unchanged for a while', (t) => {
  let steady = 0;
  const settling = createSettling({ wall: () => 1000, steady: () => steady });
  const future = ref(9_000_000);
  t.false(settling.look()(future));
  steady = settleTime - 1;
  t.false(settling.look()(future));
  steady = settleTime;
  t.true(settling.look()(future));
  t.false(settling.look()(ref(9_000_000, 'b')), 'it changed again');
  steady = 2 * settleTime;
  t.true(settling.look()(ref(9_000_000, 'b')));
});

test('a signature that was just written keeps its archive unsettled', (t) => {
  const settling = createSettling({ wall: () => 1_000_000, steady: () => 0 });
  const signature = { path: '/p/demo-1.0.0.zip.sig', stamp: 's', size: 1, modifiedAt: 999_999 };
  t.false(settling.look()({ ...ref(1), signature }));
});
