import test from 'ava';
import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { readPlainArmor } from '../../src/signing/plain-armor.ts';
import { makeKey, signWith } from './made-keys.ts';

const data = Buffer.from('the bytes of an archive, more or less');

/** What the library reads, written again; undefined where it reads none, or more than one. */
const libraryReads = async (armoredSignature: string): Promise<Buffer | undefined> => {
  try {
    const { packets } = await openpgp.readSignature({ armoredSignature });
    return packets.length === 1 && packets[0] ? Buffer.from(packets[0].write()) : undefined;
  } catch {
    return undefined;
  }
};

const packetOf = (body: Buffer): Buffer => {
  const packet = new openpgp.SignaturePacket();
  packet.read(new Uint8Array(body));
  return Buffer.from(packet.write());
};

test('the armor of the library is read, with headers and either line end', async (t) => {
  for (const options of [{}, { type: 'rsa', rsaBits: 2048 }] as const) {
    const armored = await signWith(await makeKey(options), data);
    const expected = await libraryReads(armored);
    for (const form of [
      armored,
      armored.replaceAll(/\r?\n/g, '\n'),
      armored.replaceAll(/\r?\n/g, '\r\n'),
      armored.replace('-----\n', '-----\nVersion: GnuPG v2\nComment: made here\n'),
      armored.trimEnd(),
    ]) {
      const body = readPlainArmor(form);
      t.true(body && expected && packetOf(body).equals(expected), form);
    }
  }
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
        const body = readPlainArmor(changed);
        if (body) {
          let packet: Buffer | undefined;
          try {
            packet = packetOf(body);
          } catch {
            return;
          }
          read += 1;
          t.deepEqual(packet, await libraryReads(changed), changed);
        }
      },
    ),
    { numRuns: 1500 },
  );
  t.true(read > 50, 'some of them can be read');
});

test('packets of other kinds, two of them, and lengths that lie are left to the library', async (t) => {
  const armored = await signWith(await makeKey(), data);
  const bytes = Buffer.from((await openpgp.unarmor(armored)).data as Uint8Array);
  const wrap = (content: Buffer): string =>
    openpgp.armor(openpgp.enums.armor.signature, new Uint8Array(content));
  t.truthy(readPlainArmor(wrap(bytes)));
  t.is(readPlainArmor(wrap(Buffer.concat([bytes, bytes]))), undefined);
  t.is(readPlainArmor(wrap(bytes.subarray(0, -1))), undefined);
  t.is(readPlainArmor(wrap(Buffer.concat([Buffer.from([0xc4]), bytes.subarray(1)]))), undefined);
  t.is(readPlainArmor(`${armored}${armored}`), undefined);
  t.is(readPlainArmor(''), undefined);
});
