import { buffer } from 'node:stream/consumers';
import test from 'ava';
import fc from 'fast-check';
import { ZipFile } from 'yazl';
import { readPlainZip } from '../../src/archive/plain-zip.ts';
import { readStoredBytes } from '../../src/archive/zip-stored.ts';
import { readZipDirectory } from '../../src/archive/zip-directory.ts';

const limits = { maxEntries: 1000, maxEntryBytes: 1 << 20, maxTotalBytes: 1 << 22, maxRatio: 200 };

const makeZip = async (): Promise<Buffer> => {
  const zip = new ZipFile();
  zip.addEmptyDirectory('a-1.0.0', { mtime: new Date(0), forceDosTimestamp: true });
  zip.addBuffer(Buffer.from('name: a\nversion: 1.0.0\n'), 'a-1.0.0/manifest.yml', {
    mtime: new Date(0),
    forceDosTimestamp: true,
  });
  zip.addBuffer(Buffer.alloc(3000, 'text '), 'a-1.0.0/docs/README.md', {
    mtime: new Date(0),
    forceDosTimestamp: true,
  });
  zip.addBuffer(Buffer.from('stored'), 'a-1.0.0/img/.hidden', {
    compress: false,
    mtime: new Date(0),
    forceDosTimestamp: true,
  });
  zip.end();
  return await buffer(zip.outputStream as NodeJS.ReadableStream & AsyncIterable<Buffer>);
};

/** `original` with one byte set. */
const changed = (original: Buffer, at: number, to: number): Buffer => {
  const copy = Buffer.from(original);
  copy[at] = to;
  return copy;
};

const agrees = async (bytes: Buffer): Promise<boolean> => {
  const plain = readPlainZip(bytes, limits);
  if (!plain) {
    return true;
  }
  const file = {
    size: bytes.length,
    read: (position: number, length: number) => bytes.subarray(position, position + length),
  };
  const directory = await readZipDirectory(file, limits);
  if (
    directory.files.size !== plain.files.length ||
    [...directory.folders].toSorted().join() !== [...plain.folders].toSorted().join()
  ) {
    return false;
  }
  for (const found of plain.files) {
    const known = directory.files.get(found.path);
    const mine = bytes.subarray(found.dataStart, found.dataStart + found.compressedSize);
    if (
      !known ||
      known.size !== found.size ||
      known.crc32 !== found.crc32 ||
      known.method !== found.method ||
      !(await readStoredBytes(file, known)).equals(mine)
    ) {
      return false;
    }
  }
  return true;
};

test('an ordinary archive is read', async (t) => {
  const plain = readPlainZip(await makeZip(), limits);
  t.deepEqual(
    plain?.files.map(({ path }) => path),
    ['a-1.0.0/manifest.yml', 'a-1.0.0/docs/README.md', 'a-1.0.0/img/.hidden'],
  );
  t.deepEqual([...(plain?.folders ?? [])].toSorted(), ['a-1.0.0', 'a-1.0.0/docs', 'a-1.0.0/img']);
});

test('whatever is taken, the careful reader takes too, and reads the same', async (t) => {
  const original = await makeZip();
  const byte = fc.record({
    at: fc.nat(original.length - 1),
    to: fc.oneof(fc.constantFrom(0, 1, 8, 0x2e, 0x2f, 0x5c, 0xff), fc.nat(255)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(byte, { maxLength: 3 }), async (changes) => {
      t.true(await agrees(changes.reduce((bytes, { at, to }) => changed(bytes, at, to), original)));
    }),
    { numRuns: 3000 },
  );
});

test('every single byte of the headers may be wrong', async (t) => {
  const original = await makeZip();
  for (let at = 0; at < original.length; at++) {
    for (const to of [0, 0x2e, 0x2f, 0xff, (original[at] ?? 0) ^ 1]) {
      t.true(await agrees(changed(original, at, to)), `byte ${at} as ${to}`);
    }
  }
});
