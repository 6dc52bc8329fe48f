import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import test from 'ava';
import { DepotError } from '../../src/domain/errors.ts';
import { digestWhole } from '../../src/signing/content-digest.ts';

test('the digest of a file is the same of a buffer and of a stream, and a disk that gives out is told with the path', async (t) => {
  const content = randomBytes(100_000);
  const expected = createHash('sha256').update(content).digest('hex');
  t.is(await digestWhole('a.zip', content), expected);
  t.is(await digestWhole('a.zip', Readable.from([content.subarray(0, 7), content.subarray(7)])), expected);
  const broken = Readable.from(
    (async function* () {
      yield content;
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' });
    })(),
  );
  const error = await t.throwsAsync(digestWhole('/srv/a.zip', broken), { instanceOf: DepotError });
  t.is(error?.code, 'SIGNED_FILE_UNREADABLE');
  t.regex(error?.message ?? '', /\/srv\/a\.zip: the disk answers with an error/);
});
