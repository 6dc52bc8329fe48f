import test from 'ava';
import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { readArmor } from '../../src/signing/armor.ts';
import { readPlainPacket } from '../../src/signing/plain-packet.ts';
import { makeKey, signWith } from './made-keys.ts';

const data = Buffer.from('the bytes of an archive, more or less');

const contentOf = (text: string): Buffer | undefined => {
  const read = readArmor(text);
  return 'content' in read ? read.content : undefined;
};

const problemOf = (text: string): string | undefined => {
  const read = readArmor(text);
  return 'problem' in read ? read.problem : undefined;
};

/** What the library makes of the armor; undefined where it refuses it. */
const libraryReads = async (armored: string): Promise<Buffer | undefined> => {
  try {
    const { data: content } = await openpgp.unarmor(armored);
    return Buffer.from(content as Uint8Array);
  } catch {
    return undefined;
  }
};

test('the armor of the library is read, with headers, either line end, and text around it', async (t) => {
  for (const options of [{}, { type: 'rsa', rsaBits: 2048 }] as const) {
    const armored = await signWith(await makeKey(options), data);
    const expected = await libraryReads(armored);
    for (const form of [
      armored,
      armored.replaceAll(/\r?\n/g, '\n'),
      armored.replaceAll(/\r?\n/g, '\r\n'),
      armored.replaceAll(/\r?\n/g, ' \t\n'),
      armored.replace('-----\n', '-----\nVersion: GnuPG v2\nComment: made here: café\nComment:\n'),
      armored.trimEnd(),
      `Signature of the file:\n\n${armored}and nothing more\n`,
      `${armored}${armored}`,
    ]) {
      t.deepEqual(contentOf(form), expected, form);
    }
  }
});

test('an armor that gpg or Kibana would refuse says what is wrong with it', async (t) => {
  const armored = (await signWith(await makeKey(), data)).replaceAll('\r', '');
  t.regex(problemOf(armored.replace(/\n=\S{4}\n/, '\n=AAAA\n')) ?? '', /checksum of the armor is wrong/);
  for (const header of ['Comment', 'no header', 'Comment:x', 'Com ment: x', '<b>']) {
    t.regex(problemOf(armored.replace('\n\n', `\n${header}\n\n`)) ?? '', /header line/, header);
  }
  t.regex(problemOf(armored.replace('\n\n', '\n')) ?? '', /empty line/);
  for (const strange of [' ', '\0', '\f', 'é', '_', '-', '=']) {
    const changed = armored.replace(/(\n\n.{20})/, `$1${strange}`);
    t.regex(problemOf(changed) ?? '', /else than base64/, strange);
  }
  t.regex(problemOf(armored.replace(/-----END.*/, '')) ?? '', /end is missing/);
  t.regex(problemOf(armored.replaceAll('PGP SIGNATURE', 'PGP MESSAGE')) ?? '', /not an ASCII-armored/);
  t.regex(problemOf(`-----BEGIN PGP SIGNED MESSAGE-----\n\nhello\n${armored}`) ?? '', /not an ASCII-armored/);
  t.regex(problemOf('') ?? '', /not an ASCII-armored/);
});

test('without a checksum the end of the base64 has to be one that gpg and Kibana find', (t) => {
  const bare = (length: number, more = ''): string =>
    `-----BEGIN PGP SIGNATURE-----\n\n${Buffer.alloc(length).toString('base64')}\n${more}-----END PGP SIGNATURE-----\n`;
  t.is(contentOf(bare(10))?.length, 10);
  t.is(contentOf(bare(11))?.length, 11);
  const unpadded = readArmor(bare(12));
  t.true('content' in unpadded && /gpg would not find its end/.test(unpadded.problemOfGpg ?? ''));
  t.regex(problemOf(bare(10, '\n')) ?? '', /Kibana would not read it/);
});

test('whatever is changed of an armor, what is read of it is what the library reads', async (t) => {
  const armored = await signWith(await makeKey({ type: 'rsa', rsaBits: 2048 }), data);
  let read = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(armored.length - 1),
      fc.nat(3),
      fc.oneof(fc.constantFrom('', '\n', '\r', '=', '-', 'A', ' ', '\0'), fc.string({ maxLength: 3 })),
      async (at, gone, put) => {
        const changed = armored.slice(0, at) + put + armored.slice(at + gone);
        const content = contentOf(changed);
        if (content) {
          read += 1;
          t.deepEqual(content, await libraryReads(changed), changed);
        }
      },
    ),
    { numRuns: 1500 },
  );
  t.true(read > 50, 'some of them can be read');
});

test('packets of other kinds, two of them, and lengths that lie are left to the library', async (t) => {
  const bytes = contentOf(await signWith(await makeKey(), data)) ?? Buffer.alloc(0);
  const packet = new openpgp.SignaturePacket();
  packet.read(new Uint8Array(readPlainPacket(bytes) ?? []));
  t.deepEqual(Buffer.from(packet.write()), readPlainPacket(bytes));
  t.is(readPlainPacket(Buffer.concat([bytes, bytes])), undefined);
  t.is(readPlainPacket(bytes.subarray(0, -1)), undefined);
  t.is(readPlainPacket(Buffer.concat([Buffer.from([0xc4]), bytes.subarray(1)])), undefined);
  t.is(readPlainPacket(Buffer.alloc(0)), undefined);
});
