import test from 'ava';
import { bufferSizes, createPieceBuffers } from '../../src/http/piece-buffers.ts';

const [tiny, , medium, large] = bufferSizes;

test('a buffer that was given back is used again, and one that is taken is not', (t) => {
  const buffers = createPieceBuffers(4 * large);
  const [first, second] = [buffers.take(medium), buffers.take(medium - 5)];
  t.not(first, second);
  t.is(second.length, medium, 'the next larger of few sizes');
  t.is(buffers.taken, 2 * medium);
  buffers.give(first);
  t.is(buffers.take(1 + tiny * 4), first);
  t.is(buffers.taken, 2 * medium);
});

test('no more is kept than the bound, and what is least wanted goes first', (t) => {
  const buffers = createPieceBuffers(2 * large);
  const many = Array.from({ length: 4 }, () => buffers.take(large));
  const one = buffers.take(medium);
  t.is(buffers.taken, 4 * large + medium, 'nobody is refused');
  many.forEach((buffer) => buffers.give(buffer));
  buffers.give(one);
  t.is(buffers.taken, 0);
  t.is(buffers.take(medium), one);
  const again = Array.from({ length: 4 }, () => buffers.take(large));
  t.is(again.filter((buffer) => many.includes(buffer)).length, 1);
});
