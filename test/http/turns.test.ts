import { setImmediate as nextRound } from 'node:timers/promises';
import test from 'ava';
import { createTurns } from '../../src/http/turns.ts';

test('turns come in the order of asking, a few in each round of the event loop', async (t) => {
  const turns = createTurns(3);
  const had: number[] = [];
  const all = Array.from({ length: 10 }, async (_, index) => {
    await turns.next();
    had.push(index);
  });
  t.deepEqual(had, [], 'nobody has one at once');
  const rounds: number[] = [];
  while (had.length < 10) {
    const before = had.length;
    await nextRound();
    rounds.push(had.length - before);
  }
  t.true(Math.max(...rounds) <= 3, rounds.join(' '));
  t.deepEqual(had, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await Promise.all(all);
});

test('who asks again and again waits for the others each time', async (t) => {
  const turns = createTurns(4);
  const counts = Array.from({ length: 9 }, () => 0);
  await Promise.all(
    counts.map(async (_, index) => {
      for (let turn = 0; turn < 300; turn += 1) {
        await turns.next();
        counts[index] = turn + 1;
        t.true(Math.max(...counts) - Math.min(...counts) <= 1);
      }
    }),
  );
  t.deepEqual(new Set(counts), new Set([300]));
});
