import test from 'ava';
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as fc from 'fast-check';
import { createByteComparison } from '../../src/archive/byte-comparison.ts';
import { readTar } from '../../src/archive/tar-reader.ts';
import { tarEndBytes, tarEntryBytes, writeTar, type TarInput } from '../../src/archive/tar-writer.ts';
import { scratch } from '../support/scratch.ts';

const input = (name: string, content: Uint8Array, size = content.length): TarInput => ({
  name,
  size,
  async *open() {
    // In two pieces, so that pieces of all lengths come by.
    yield content.subarray(0, content.length >> 1);
    yield content.subarray(content.length >> 1);
  },
});

const write = (file: string, inputs: readonly TarInput[]): Promise<void> =>
  pipeline(writeTar(inputs), createWriteStream(file));

const read = async (file: string): Promise<[string, string][]> => {
  const found: [string, string][] = [];
  for await (const entry of readTar(file, (reason) => new Error(reason))) {
    const parts: Uint8Array[] = [];
    for await (const chunk of entry.chunks) {
      parts.push(chunk);
    }
    found.push([entry.name, Buffer.concat(parts).toString('hex')]);
  }
  return found;
};

test('whatever is written is read back, and its size is known before', async (t) => {
  const file = path.join(await scratch(t), 'x.tar');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 6 }), async (contents) => {
      const inputs = contents.map((content, at) => input(`content/${at}`, content));
      await write(file, inputs);
      const bytes = inputs.reduce((sum, one) => sum + tarEntryBytes(one.size), tarEndBytes);
      const expected = contents.map((content, at) => [`content/${at}`, Buffer.from(content).toString('hex')]);
      return (
        (await readFile(file)).length === bytes &&
        JSON.stringify(await read(file)) === JSON.stringify(expected)
      );
    }),
    { numRuns: 50 },
  );
  t.pass();
});

test('every single changed bit of a tar is noticed', async (t) => {
  const file = path.join(await scratch(t), 'x.tar');
  await write(file, [input('a', Buffer.from('hello')), input('b', Buffer.alloc(0))]);
  const good = await readFile(file);
  const contentAt = 512;
  for (let offset = 0; offset < good.length; offset += 1) {
    if (offset >= contentAt && offset < contentAt + 5) {
      continue;
    }
    const bad = Buffer.from(good);
    bad[offset] = (bad[offset] ?? 0) ^ (1 << (offset % 8));
    await writeFile(file, bad);
    const outcome = await read(file).then(
      () => 'passed',
      () => 'refused',
    );
    if (outcome !== 'refused') {
      t.fail(`the change at ${offset} passed`);
    }
  }
  t.pass();
});

test('cut and prolonged tars are refused', async (t) => {
  const file = path.join(await scratch(t), 'x.tar');
  const inputs = [input('a', Buffer.alloc(3000, 1)), input('b', Buffer.alloc(3000, 2))];
  await write(file, inputs);
  const { length } = await readFile(file);
  for (let size = 0; size < length; size += 100) {
    await write(file, inputs);
    await truncate(file, size);
    await t.throwsAsync(read(file), { message: /cut off|ends at byte/ }, `${size}`);
  }
  await write(file, inputs);
  await appendFile(file, Buffer.alloc(1024));
  await t.throwsAsync(read(file), { message: /where it should end/ });
});

test("another program's tar is refused, because only our own bytes prove that nothing was changed", async (t) => {
  const folder = await scratch(t);
  await writeFile(path.join(folder, 'a'), 'hello');
  execFileSync('tar', ['cf', 'x.tar', 'a'], { cwd: folder });
  await t.throwsAsync(read(path.join(folder, 'x.tar')), { message: /differs between byte 0/ });
  await writeFile(path.join(folder, 'no.tar'), Buffer.alloc(2048, 'x'));
  await t.throwsAsync(read(path.join(folder, 'no.tar')), { message: /not a tar/ });
});

test('a header that claims far more than the file has does not fill the memory', async (t) => {
  const file = path.join(await scratch(t), 'x.tar');
  await write(file, [input('a', Buffer.from('hello'))]);
  const handle = await import('node:fs/promises').then((fs) => fs.open(file, 'r+'));
  await handle.truncate(600 << 20);
  await handle.close();
  const before = process.memoryUsage().rss;
  await t.throwsAsync(read(file), { message: /something that does not belong/ });
  t.true(process.memoryUsage().rss - before < 200 << 20);
});

test('an input that fails, or has another size than it said, fails the writing', async (t) => {
  const file = path.join(await scratch(t), 'x.tar');
  await t.throwsAsync(write(file, [input('a', Buffer.from('hello'), 6)]), { message: /Size mismatch/ });
  await t.throwsAsync(write(file, [input('a', Buffer.from('hello'), 4)]), { message: /Size mismatch/ });
  const failing: TarInput = {
    name: 'a',
    size: 1,
    async *open() {
      yield Buffer.alloc(0);
      throw new Error('the disk broke');
    },
  };
  await t.throwsAsync(write(file, [failing]), { message: 'the disk broke' });
});

test('two streams are compared in whatever pieces they come', (t) => {
  const pieces = (bytes: Uint8Array, width: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes.length / width) }, (_, at) =>
      bytes.subarray(at * width, (at + 1) * width),
    );
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.nat(20),
      fc.nat(20),
      fc.nat(199),
      (bytes, a, b, at) => {
        const judge = (found: Uint8Array, expected: Uint8Array): boolean => {
          const comparison = createByteComparison(1000, (reason) => new Error(reason));
          try {
            pieces(found, a + 1).forEach((piece) => comparison.found(piece));
            pieces(expected, b + 1).forEach((piece) => comparison.expected(piece));
            comparison.end();
            return true;
          } catch {
            return false;
          }
        };
        const other = Uint8Array.from(bytes);
        other[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1;
        return (
          judge(bytes, bytes) &&
          !judge(other, bytes) &&
          !judge(bytes.subarray(1), bytes) &&
          !judge(bytes, bytes.subarray(1))
        );
      },
    ),
  );
  t.pass();
});
