import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { parseSha512File } from '../../src/artifacts/sha512-file.ts';

const file = 'elastic-agent-9.2.1-linux-x86_64.tar.gz';
const digest = createHash('sha512').update('x').digest('hex');

const problemOf = (text: string): string | undefined => parseSha512File(Buffer.from(text), file).problem;

test('the forms that agents take are taken', (t) => {
  for (const text of [
    `${digest}  ${file}\n`,
    `${digest} *${file}\n`,
    `${digest} ${file}`,
    `${digest}\t${file}\n`,
    `${'0'.repeat(128)}  other.zip\n${digest}  ${file}\n`,
  ]) {
    t.deepEqual(parseSha512File(Buffer.from(text), file), { digest });
  }
});

test('of several lines for a file the last counts', (t) => {
  const text = `${'0'.repeat(128)}  ${file}\n${digest}  ${file}\n`;
  t.is(parseSha512File(Buffer.from(text), file).digest, digest);
});

test('each form that agents refuse has its own reason', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [`${digest.toUpperCase()}  ${file}\n`, /upper case/],
    [`${digest}  beats/elastic-agent/${file}\n`, /bare file name/],
    [`${digest}  ./${file}\n`, /bare file name/],
    [`${digest}\n`, /only the digest/],
    [`${digest}  elastic-agent-9.2.0-linux-x86_64.tar.gz\n`, /does not name/],
    [`${digest}  ${file}\r\n`, /CRLF/],
    ['', /empty/],
    [`${digest}  ${file} extra\n`, /3 fields/],
    [`${digest}  ${file}\n\n${digest}  ${file}\n`, /0 fields/],
    [`${digest.slice(1)}  ${file}\n`, /127 characters/],
    ['<!DOCTYPE html><html></html>', /web page/],
    [`\u00ef\u00bb\u00bf`, /no SHA-512|one field/],
    [`SHA512 (${file}) = ${digest}\n`, /4 fields/],
  ];
  for (const [text, reason] of cases) {
    t.regex(problemOf(text) ?? 'taken', reason, JSON.stringify(text));
  }
  t.regex(
    parseSha512File(Buffer.concat([Buffer.from('efbbbf', 'hex'), Buffer.from(digest)]), file).problem ?? '',
    /byte order mark/,
  );
  t.regex(parseSha512File(randomBytes(5000), file).problem ?? '', /5000 bytes/);
});

test('whatever the bytes, either a digest of 128 digits or a problem comes out', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        fc.string().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const parsed = parseSha512File(bytes, file);
        return parsed.problem === undefined
          ? /^[0-9a-f]{128}$/.test(parsed.digest)
          : parsed.problem.length > 0;
      },
    ),
  );
  t.pass();
});

test('what sha512sum writes is read back, for any content and name', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.stringMatching(/^[a-z][a-z0-9.+_-]{0,40}$/), (content, name) => {
      const hex = createHash('sha512').update(content).digest('hex');
      return parseSha512File(Buffer.from(`${hex}  ${name}\n`), name).digest === hex;
    }),
  );
  t.pass();
});
