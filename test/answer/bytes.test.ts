import { gzipSync } from 'node:zlib';
import test from 'ava';
import { compress, decompress, ownBytes } from '../../src/answer/bytes.ts';

test('a part of a larger piece of memory gets memory of its own', (t) => {
  const chunk = Buffer.alloc(16 * 1024, 'a');
  const own = ownBytes(chunk.subarray(100, 5000));
  t.is(own.buffer.byteLength, 4900);
  t.deepEqual(own, chunk.subarray(100, 5000));
});

test('bytes that all but fill their memory are not copied', (t) => {
  const bytes = Buffer.alloc(16 * 1024).subarray(300);
  t.is(ownBytes(bytes), bytes);
});

for (const size of [0, 1, 63, 64, 16 * 1024, 300_000, 1_500_000]) {
  test(`${size} bytes come back as they were gzipped`, async (t) => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * at) % 251));
    t.deepEqual(await decompress(await compress(bytes)), bytes);
  });
}

test('bytes that say a wrong size at their end are refused, whatever it is', async (t) => {
  for (const size of [0, 5, 2 ** 32 - 1]) {
    const bytes = gzipSync(Buffer.alloc(1000));
    bytes.writeUInt32LE(size, bytes.length - 4);
    await t.throwsAsync(decompress(bytes), { code: 'Z_DATA_ERROR' });
  }
});
