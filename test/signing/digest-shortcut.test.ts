import { Readable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { makeKey, signWith } from './made-keys.ts';

const data = Buffer.from('the bytes of an archive, more or less');

for (const [label, options] of [
  ['Ed25519', {}],
  ['RSA', { type: 'rsa', rsaBits: 2048 }],
] as const) {
  test(`${label}: bytes in memory get the verdict that the library gives a stream`, async (t) => {
    const key = await makeKey(options);
    const other = await makeKey();
    const verifier = createVerifier(fixedKeys([key.armored]), { now: () => new Date(Date.now() + 1000) });
    const { hash } = openpgp.enums;
    const signatures = await Promise.all(
      [hash.sha256, hash.sha384, hash.sha512, hash.sha224, hash.sha3_256].map((preferredHashAlgorithm) =>
        signWith(key, data, { config: { preferredHashAlgorithm } }),
      ),
    );
    signatures.push(await signWith(other, data));
    const raw = await Promise.all(signatures.map(async (armor) => (await openpgp.unarmor(armor)).data));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(raw.length - 1),
        fc.option(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 255 })), { freq: 3 }),
        fc.option(fc.nat(data.length - 1), { freq: 3 }),
        async (which, flipped, changed) => {
          const bytes = Uint8Array.from((raw[which] ?? new Uint8Array(0)) as Uint8Array);
          if (flipped) {
            const at = flipped[0] % bytes.length;
            bytes[at] = (bytes[at] ?? 0) ^ flipped[1];
          }
          const content = Buffer.from(data);
          if (changed !== null) {
            content[changed] = (content[changed] ?? 0) ^ 1;
          }
          const armor = openpgp.armor(
            openpgp.enums.armor.signature,
            bytes,
            undefined,
            undefined,
            undefined,
            true,
          );
          const quick = await verifier.verify(content, armor);
          const careful = await verifier.verify(Readable.from([content]), armor);
          const pieces = { pieces: () => [content.subarray(0, 7), content.subarray(7)] };
          t.deepEqual(await verifier.verify(pieces, armor), careful);
          t.is(quick.state, careful.state);
          t.deepEqual(quick, careful);
        },
      ),
      { numRuns: 300 },
    );
    t.is((await verifier.verify(data, signatures[0] ?? '')).state, 'good');
  });
}
