import test from 'ava';
import fc from 'fast-check';
import { decodeIndex, encodeIndex } from '../../src/index/index-file.ts';
import { knownSamples, origin, plain } from './known-samples.ts';

const encode = async (count: number): Promise<Buffer> =>
  Buffer.concat(await encodeIndex(knownSamples(count), origin));

test('an index is read as it was written, whatever its size', async (t) => {
  for (const count of [0, 1, 3, 255, 256, 257, 700]) {
    const read = decodeIndex(await encode(count), origin);
    t.deepEqual(await plain(read), await plain(knownSamples(count)), `${count} packages`);
  }
});

test('all answers of a read index lie in the one buffer that was read', async (t) => {
  const bytes = await encode(30);
  for (const { item } of decodeIndex(bytes, origin).values()) {
    if (item) {
      t.is(item.summary.buffer, bytes.buffer);
      t.is((await item.detail()).buffer, bytes.buffer);
    }
  }
});

test('a file that was cut off anywhere is refused', async (t) => {
  const bytes = await encode(9);
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => decodeIndex(bytes.subarray(0, length), origin), { instanceOf: Error }, `${length} bytes`);
  }
  t.throws(() => decodeIndex(Buffer.concat([bytes, Buffer.from('x')]), origin));
});

test('one changed byte anywhere is noticed', async (t) => {
  const bytes = await encode(9);
  const good = JSON.stringify(await plain(decodeIndex(bytes, origin)));
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ change;
      let read: string | undefined;
      try {
        read = JSON.stringify(await plain(decodeIndex(changed, origin)));
      } catch (error) {
        return (error as Error).message.length > 0;
      }
      return read === good;
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('any bytes that are no index are refused with a reason', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      t.throws(() => decodeIndex(Buffer.from(bytes), origin), { message: 'it is no index file' });
    }),
  );
  for (const line of ['null', '[]', '7', '"fleet-depot index"', '{}', '{"magic":7}']) {
    t.throws(() => decodeIndex(Buffer.from(`${line}\n`), origin), { message: 'it is no index file' }, line);
  }
});

test('an index of another format, program or settings is refused with that reason', async (t) => {
  const bytes = await encode(3);
  const other = Buffer.from(bytes.toString('latin1').replace('"format":2', '"format":1'), 'latin1');
  t.throws(() => decodeIndex(other, origin), { message: 'it has another format' });
  t.throws(() => decodeIndex(bytes, { ...origin, program: '1.0.1 abc' }), {
    message: 'it was made by another version of the program',
  });
  t.throws(() => decodeIndex(bytes, { ...origin, rules: '{}' }), {
    message: 'it was made for other settings',
  });
});
