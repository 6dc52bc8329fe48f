import test from 'ava';
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { formatReceipt, parseReceipt, receiptHas, type Receipt } from '../../src/bundle/receipt.ts';
import { digestOf } from '../../src/files/digest.ts';
import { DepotError } from '../../src/domain/errors.ts';

const receiptFor = (contents: number): { receipt: Receipt; digests: string[] } => {
  const digests = Array.from({ length: contents }, (_, at) => digestOf(`content ${at}`));
  const prefixes = new Set(digests.map((digest) => digest.slice(0, 16)).toSorted());
  return {
    digests,
    receipt: {
      depot: randomUUID(),
      snapshot: '20260101T000000000Z-01234567',
      digest: digestOf('set'),
      prefixes,
    },
  };
};

test('a receipt comes back as it was, also through mail', (t) => {
  for (const contents of [0, 1, 7, 500]) {
    const { receipt, digests } = receiptFor(contents);
    t.deepEqual(parseReceipt(formatReceipt(receipt), 'r'), receipt);
    t.deepEqual(parseReceipt(formatReceipt(receipt).replaceAll('\n', '\r\n'), 'r'), receipt);
    t.true(digests.every((digest) => receiptHas(receipt, digest)));
    t.false(receiptHas(receipt, digestOf('another')));
  }
});

test('a receipt of 12,000 packages and their signatures fits into 240 KiB of text', (t) => {
  const text = formatReceipt(receiptFor(24_000).receipt);
  t.log(`${text.length} bytes`);
  t.true(text.length < 240 * 1024);
  t.true(text.split('\n').every((line) => line.length <= 90));
});

test('any changed character of a receipt is noticed', (t) => {
  const text = formatReceipt(receiptFor(50).receipt);
  fc.assert(
    fc.property(fc.nat(text.length - 2), fc.integer({ min: 33, max: 126 }), (at, code) => {
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
      if (changed === text) {
        return true;
      }
      try {
        parseReceipt(changed, 'r');
        return false;
      } catch (error) {
        return error instanceof DepotError && error.code === 'RECEIPT_INVALID';
      }
    }),
    { numRuns: 500 },
  );
  t.throws(() => parseReceipt(text.slice(0, 200), 'r'), { code: 'RECEIPT_INVALID', message: /cut/ });
  t.throws(() => parseReceipt('', 'r'), { code: 'RECEIPT_INVALID' });
});

test('a receipt of a later version is called newer, by its name', (t) => {
  const text = formatReceipt(receiptFor(3).receipt).replace('receipt/1', 'receipt/2');
  t.throws(() => parseReceipt(text, 'receipt.txt'), {
    code: 'FORMAT_NEWER',
    message: /^receipt\.txt was made by a newer/,
  });
});
