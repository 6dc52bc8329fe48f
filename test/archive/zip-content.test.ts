import { randomBytes } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { checkStoredPieces, unpackBytesNow } from '../../src/archive/zip-content.ts';
import type { ZipEntry } from '../../src/archive/zip-directory.ts';
import { messageOf } from '../../src/domain/errors.ts';

const entryOf = (content: Buffer, stored: Buffer, method: number): ZipEntry => ({
  path: 'a-1.0.0/img/large.svg',
  size: content.length,
  crc32: crc32(content),
  compressedSize: stored.length,
  method,
  offset: 0,
  end: stored.length,
});

function* cut(bytes: Buffer, pieceBytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // The same memory for all pieces: whoever keeps one is found out.
    yield piece.subarray(0, bytes.copy(piece, 0, at, at + pieceBytes));
    piece.fill(0xaa);
  }
}

const verdictAtOnce = (stored: Buffer, entry: ZipEntry): string => {
  try {
    return `${unpackBytesNow(stored, entry).length} bytes`;
  } catch (error) {
    return messageOf(error);
  }
};

const verdictInPieces = (stored: Buffer, entry: ZipEntry, pieceBytes: number): Promise<string> =>
  checkStoredPieces(cut(stored, pieceBytes), entry).then(() => `${entry.size} bytes`, messageOf);

const isGood = (verdict: string): boolean => /^\d+ bytes$/.test(verdict);

const content = Buffer.concat([randomBytes(90_000), Buffer.alloc(200_000, 'elastic ')]);

test('a file that is read in pieces is judged as one that is unpacked at once, whatever is wrong with it', async (t) => {
  const verdicts = new Set<string>();
  const property = fc.asyncProperty(
    fc.record({
      deflated: fc.boolean(),
      pieceBytes: fc.integer({ min: 500, max: 120_000 }),
      flipAt: fc.option(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      cutOff: fc.option(fc.integer({ min: 1, max: 50_000 })),
      stray: fc.option(fc.integer({ min: 1, max: 130_000 })),
      lie: fc.option(fc.integer({ min: -100_000, max: 100_000 })),
    }),
    async ({ deflated, pieceBytes, flipAt, cutOff, stray, lie }) => {
      let stored = deflated ? deflateRawSync(content) : Buffer.from(content);
      stored = stored.subarray(0, stored.length - (cutOff ?? 0));
      if (flipAt !== null) {
        const at = Math.floor(flipAt * stored.length);
        stored.writeUInt8(stored.readUInt8(at) ^ 0x10, at);
      }
      stored = Buffer.concat([stored, Buffer.alloc(stray ?? 0, 7)]);
      const entry = entryOf(content, stored, deflated ? 8 : 0);
      const told = { ...entry, size: deflated ? entry.size + (lie ?? 0) : stored.length };
      const expected = verdictAtOnce(stored, told);
      const found = await verdictInPieces(stored, told, pieceBytes);
      // Of several faults each reader names the first that it meets.
      const faults = [flipAt, cutOff, stray, lie].filter((fault) => fault !== null).length;
      t.is(faults > 1 ? isGood(found) : found, faults > 1 ? isGood(expected) : expected);
      verdicts.add(expected.replace(/\d+/g, 'N'));
    },
  );
  await fc.assert(property, { numRuns: 400 });
  // Good, too much, too little, stray bytes, unreadable, another CRC.
  t.true(verdicts.size >= 6, [...verdicts].join('\n'));
});

test('what follows the deflated data in a piece of its own is found', async (t) => {
  const deflated = deflateRawSync(content);
  const stored = Buffer.concat([deflated, Buffer.alloc(deflated.length * 2, 7)]);
  const entry = entryOf(content, stored, 8);
  t.regex(await verdictInPieces(stored, entry, deflated.length), /stray bytes behind its deflated data/);
});
