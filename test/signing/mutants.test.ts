import test from 'ava';
import * as openpgp from 'openpgp';
import { readArmor } from '../../src/signing/armor.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { openGnupg } from './gnupg.ts';

const data = Buffer.from('PK\u0003\u0004 an archive\r\n');

/** The same numbers in each run, so that what is found can be found again. */
const numbersFrom = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
};

const pieces = [
  '',
  '\n',
  '\r\n',
  '\r',
  ' ',
  '\t',
  '\0',
  '\f',
  '=',
  '-',
  '-----',
  'A',
  '+',
  '_',
  'é',
  ':',
  'Hash: SHA256\n',
];

/** A piece of the text is another one. */
const changeText = (text: string, pick: (below: number) => number): string => {
  const at = pick(text.length);
  return text.slice(0, at) + pieces[pick(pieces.length)] + text.slice(at + pick(4));
};

/** A byte of the packet is another one, gone, or new; the armor around it is right. */
const changePacket = (text: string, pick: (below: number) => number): string => {
  const read = readArmor(text);
  const bytes = 'content' in read ? read.content : Buffer.alloc(0);
  const [at, kind] = [pick(bytes.length), pick(4)];
  const put = [[(bytes[at] ?? 0) ^ (1 << pick(8))], [pick(256)], [], [pick(256), bytes[at] ?? 0]][kind] ?? [];
  const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(at + 1)]);
  return openpgp.armor(
    openpgp.enums.armor.signature,
    new Uint8Array(changed),
    undefined,
    undefined,
    undefined,
    true,
  );
};

for (const algorithm of ['rsa2048', 'ed25519', 'nistp256']) {
  test(`whatever is changed of a signature by ${algorithm}, what is good here is good for gpg`, async (t) => {
    const gnupg = await openGnupg(t);
    if (!gnupg) {
      t.pass();
      return;
    }
    const verifier = createVerifier(fixedKeys([await gnupg.generate('mutants@example.org', algorithm)]));
    const signature = await gnupg.sign('mutants@example.org', data, '--comment', 'made here');
    const pick = numbersFrom(algorithm.length * 7919);
    let good = 0;
    for (let round = 0; round < 1200; round += 1) {
      const mutant = (round % 2 === 0 ? changeText : changePacket)(signature, pick);
      if ((await verifier.verify(data, mutant)).state === 'good') {
        good += 1;
        const { ok, status } = await gnupg.verify(data, mutant);
        t.true(ok && status.includes('GOODSIG'), `${JSON.stringify(mutant)}\n${status}`);
      }
    }
    t.true(good > 10 && good < 400, `${good} of the mutants are good`);
  });
}

test('a part that is critical and that the signature does not cover makes it bad, as for gpg', async (t) => {
  const gnupg = await openGnupg(t);
  if (!gnupg) {
    t.pass();
    return;
  }
  const verifier = createVerifier(fixedKeys([await gnupg.generate('critical@example.org', 'ed25519')]));
  const signature = await gnupg.sign('critical@example.org', data);
  const read = readArmor(signature);
  const bytes = Buffer.from('content' in read ? read.content : '');
  // The issuer's key id is the one part outside: its type becomes an unknown one that is critical.
  const at = bytes.indexOf(Buffer.from([0x00, 0x0a, 0x09, 0x10]));
  t.true(at > 0);
  bytes[at + 3] = 0x80 | 0x6e;
  const changed = openpgp.armor(
    openpgp.enums.armor.signature,
    new Uint8Array(bytes),
    undefined,
    undefined,
    undefined,
    true,
  );
  t.is((await verifier.verify(data, changed)).state, 'bad');
  t.false((await gnupg.verify(data, changed)).ok);
});
