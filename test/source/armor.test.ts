import test from 'ava';
import * as fc from 'fast-check';
import { isArmoredSignature } from '../../src/source/armor.ts';
import { signatureOf } from '../support/armored.ts';

const ok = (text: string): boolean => isArmoredSignature(Buffer.from(text));

test('a real signature is one: also with CRLF, blanks around it, headers, and another one behind it', async (t) => {
  const armor = await signatureOf('x');
  t.true(ok(armor));
  t.true(ok(armor.replaceAll('\n', '\r\n')));
  t.true(ok(`\n${armor}\n\n`));
  t.true(ok(armor.replace(/\n\n/, '\nVersion: GnuPG v2\nComment: signed: here\n\n')));
  t.true(ok(`${armor}\n${armor}`));
  t.true(ok(armor.replace(/\n=\S{4}\n/, '\n')), 'Kibana reads it without its checksum, too');
  t.true(ok(`${armor}\nand more`), 'Kibana, gpg and our own check pass over what is behind it');
  t.true(ok(`see below\n${armor}`), 'and before it');
});

test('whatever is not a whole signature is none', async (t) => {
  const armor = await signatureOf('x');
  const body = (bytes: Buffer): string =>
    `-----BEGIN PGP SIGNATURE-----\n\n${bytes.toString('base64')}\n-----END PGP SIGNATURE-----\n`;
  const bad: Record<string, string> = {
    empty: '',
    html: '<!doctype html><title>404</title>',
    'no end': armor.slice(0, -30),
    'no beginning': armor.slice(30),
    'no blank line': armor.replace('\n\n', '\n'),
    'a wrong checksum': armor.replace(/\n=\S{4}/, '\n=AAAA'),
    'a damaged body': armor.replace(/\n\n..../, '\n\n????'),
    'no body': '-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n',
    'a header that is none': armor.replace('\n\n', '\n<b>\n\n'),
    'a public key in this armor': body(Buffer.from([0xc6, 0x03, 4, 0, 0])),
    'a packet that is cut off': body(Buffer.from([0xc2, 0x80, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    'an unknown version': body(Buffer.concat([Buffer.from([0xc2, 20, 9]), Buffer.alloc(19)])),
    'no packet': body(Buffer.from('hello world, hello world')),
    'a message': armor.replaceAll('SIGNATURE', 'MESSAGE'),
    'very long': armor + '\n'.repeat(70_000),
  };
  for (const [title, text] of Object.entries(bad)) {
    t.false(ok(text), title);
  }
});

test('packets with lengths of one, two and four bytes, in the old and the new form, are read', (t) => {
  const body = (size: number): Buffer => Buffer.concat([Buffer.from([4]), Buffer.alloc(size - 1)]);
  const armored = (bytes: Buffer): Buffer =>
    Buffer.from(
      `-----BEGIN PGP SIGNATURE-----\n\n${bytes.toString('base64')}\n-----END PGP SIGNATURE-----\n`,
    );
  const packets: [number[], number][] = [
    [[0xc2, 20], 20],
    [[0xc2, 192, 108], 300],
    [[0xc2, 255, 0, 0, 0, 20], 20],
    [[0x88, 20], 20],
    [[0x89, 1, 44], 300],
    [[0x8a, 0, 0, 0, 20], 20],
  ];
  for (const [header, size] of packets) {
    t.true(isArmoredSignature(armored(Buffer.concat([Buffer.from(header), body(size)]))), header.join(' '));
  }
});

test('no bytes make it throw', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isFramed) => {
        const framed = `-----BEGIN PGP SIGNATURE-----\n\n${Buffer.from(bytes).toString('base64')}\n-----END PGP SIGNATURE-----`;
        return typeof isArmoredSignature(isFramed ? Buffer.from(framed) : bytes) === 'boolean';
      }),
    ),
  );
});
