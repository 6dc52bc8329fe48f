import test from 'ava';
import { createBodyMemory, type Place } from '../../../src/mirror/transfer/body-memory.ts';

test('places never overlap, and what was given back is used again', async (t) => {
  const memory = createBodyMemory(100, 100);
  const [a, b, c] = await Promise.all([memory.take(40), memory.take(20), memory.take(40)]);
  t.deepEqual([a?.offset, b?.offset, c?.offset], [0, 40, 60]);
  b?.bytes.fill(7);
  t.true(a?.bytes.every((byte) => byte === 0));
  t.true(Buffer.from(memory.shared, 40, 20).every((byte) => byte === 7));
  b?.give();
  t.is((await memory.take(15))?.offset, 40);
});

test('a body that is larger than one may be, or than all the room, gets no place', async (t) => {
  const memory = createBodyMemory(100, 50);
  t.is(await memory.take(51), undefined);
  t.is(await createBodyMemory(10, 50).take(20), undefined);
  t.truthy(await memory.take(0));
});

test('nobody waits long for the network: while all room is being filled there is none', async (t) => {
  const memory = createBodyMemory(100, 100);
  const first = await memory.take(90);
  t.is(await memory.take(20), undefined);
  first?.give();
  t.is((await memory.take(100))?.offset, 0, 'whoever gave up waiting holds nothing');
});

test('room is waited for, in order', async (t) => {
  const memory = createBodyMemory(100, 100);
  const first = await memory.take(60);
  const second = await memory.take(40);
  const order: string[] = [];
  const asked = (name: string, bytes: number): Promise<Place | undefined> =>
    memory.take(bytes).then((place) => {
      order.push(name);
      return place;
    });
  const large = asked('large', 90);
  const small = asked('small', 10);
  second?.give();
  await Promise.resolve();
  t.deepEqual(order, []);
  first?.give();
  t.is((await large)?.offset, 0);
  t.is((await small)?.offset, 90);
  t.deepEqual(order, ['large', 'small']);
});

test('giving a place back twice frees nothing of another', async (t) => {
  const memory = createBodyMemory(10, 10);
  const first = await memory.take(10);
  first?.give();
  const second = await memory.take(10);
  first?.give();
  t.is(await memory.take(10), undefined);
  second?.give();
  t.truthy(await memory.take(10));
});
