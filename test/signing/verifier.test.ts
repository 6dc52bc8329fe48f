import { Readable } from 'node:stream';
import test from 'ava';
import * as fc from 'fast-check';
import * as openpgp from 'openpgp';
import { DepotError } from '../../src/domain/errors.ts';
import { readIssuer } from '../../src/signing/detached.ts';
import type { SignatureVerdict } from '../../src/signing/signature.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { openGnupg } from './gnupg.ts';
import { makeKey, signWith, type MadeKey } from './made-keys.ts';

const data = Buffer.from('PK\u0003\u0004 an archive, as far as a signature is concerned\r\n\n');
const day = 86_400_000;
const ago = (days: number): Date => new Date(Date.now() - days * day);
const verifierOf = (...keys: readonly MadeKey[]) => createVerifier(fixedKeys(keys.map((key) => key.armored)));
const reasonOf = (verdict: SignatureVerdict): string => (verdict.state === 'good' ? '' : verdict.reason);

const rearm = async (signatures: readonly string[]): Promise<string> => {
  const packets = new openpgp.PacketList<openpgp.SignaturePacket>();
  for (const armoredSignature of signatures) {
    packets.push(...(await openpgp.readSignature({ armoredSignature })).packets);
  }
  return new openpgp.Signature(packets).armor();
};

test('a good signature names the key and the time', async (t) => {
  const key = await makeKey();
  const verdict = await verifierOf(await makeKey(), key).verify(data, await signWith(key, data));
  t.is(verdict.state, 'good');
  t.true(
    verdict.state === 'good' &&
      verdict.fingerprint === key.fingerprint &&
      Math.abs(verdict.signedAt.getTime() - Date.now()) < day,
  );
});

test('a stream is judged as a buffer is, and is closed afterwards', async (t) => {
  const key = await makeKey();
  const large = Buffer.alloc(3 << 20, 7);
  const stream = Readable.from([large.subarray(0, 1 << 20), large.subarray(1 << 20)], { objectMode: false });
  t.is((await verifierOf(key).verify(stream, await signWith(key, large))).state, 'good');
  const other = Readable.from([large], { objectMode: false });
  t.is((await verifierOf(key).verify(other, await signWith(key, data))).state, 'bad');
  const unread = Readable.from([large], { objectMode: false });
  t.is((await verifierOf().verify(unread, await signWith(key, data))).state, 'unknown-key');
  t.true(stream.destroyed && other.destroyed && unread.destroyed);
});

test('a stream that breaks is an error of the file, not a bad signature', async (t) => {
  const key = await makeKey();
  const broken = Readable.from(
    (async function* () {
      yield data;
      throw new Error('disk on fire');
    })(),
    { objectMode: false },
  );
  const error = await t.throwsAsync(verifierOf(key).verify(broken, await signWith(key, data)), {
    instanceOf: DepotError,
  });
  t.is(error?.code, 'SIGNED_FILE_UNREADABLE');
  t.regex(error?.message ?? '', /disk on fire/);
});

test('CRLF, text before and text after the armor change nothing', async (t) => {
  const key = await makeKey();
  const signature = await signWith(key, data);
  const verifier = verifierOf(key);
  for (const form of [
    signature.replaceAll('\r\n', '\n'),
    signature.replace(/\r?\n/g, '\r\n'),
    `${signature}\nsome words\n`,
    `Signature:\n${signature}`,
  ]) {
    t.is((await verifier.verify(data, form)).state, 'good');
  }
});

test('missing, malformed, tampered, cut and unknown are told apart', async (t) => {
  const key = await makeKey();
  const stranger = await makeKey();
  const signature = await signWith(key, data);
  const verifier = verifierOf(key);
  t.is((await verifier.verify(data, ' \n')).state, 'missing');
  for (const malformed of [
    '<html>404</html>',
    key.armored,
    signature.slice(0, 60),
    signature.replace(/^-----END.*$/m, ''),
    `${signature}${'x'.repeat(70_000)}`,
  ]) {
    t.is((await verifier.verify(data, malformed)).state, 'malformed', malformed.slice(0, 40));
  }
  t.is((await verifier.verify(Buffer.concat([data, Buffer.from('x')]), signature)).state, 'bad');
  t.is((await verifier.verify(data.subarray(1), signature)).state, 'bad');
  t.is((await verifier.verify(Buffer.alloc(0), signature)).state, 'bad');
  const unknown = await verifier.verify(data, await signWith(stranger, data));
  t.like(unknown, { state: 'unknown-key', issuer: stranger.fingerprint });
  t.regex(reasonOf(unknown), /not in the keyring/);
});

test('the first signature of an armor decides, whoever made the second', async (t) => {
  const key = await makeKey();
  const stranger = await makeKey();
  const mine = await signWith(key, data);
  const theirs = await signWith(stranger, data);
  const verifier = verifierOf(key);
  t.is((await verifier.verify(data, await rearm([mine, theirs]))).state, 'good');
  t.is((await verifier.verify(data, await rearm([theirs, mine]))).state, 'unknown-key');
  t.is((await verifier.verify(data, `${theirs}\n${mine}`)).state, 'unknown-key');
  const stale = await signWith(key, Buffer.from('other'));
  t.is((await verifier.verify(data, await rearm([stale, mine]))).state, 'bad');
});

test('a key that has expired is refused, or taken for what it signed before where that is allowed', async (t) => {
  const key = await makeKey({ date: ago(30), keyExpirationTime: 10 * 86_400 });
  const before = await signWith(key, data, { date: ago(25) });
  const verdict = await verifierOf(key).verify(data, before);
  t.is(verdict.state, 'expired-key');
  t.regex(reasonOf(verdict), /expired on .* \(signed on /);
  const lenient = createVerifier(fixedKeys([key.armored]), { expiredKeys: 'signed-before' });
  t.is((await lenient.verify(data, before)).state, 'good');
  t.is((await lenient.verify(Buffer.from('other'), before)).state, 'bad');
  // The clock of the machine that verifies counts.
  const then = createVerifier(fixedKeys([key.armored]), { now: () => ago(24) });
  t.is((await then.verify(data, before)).state, 'good');
});

test('a revoked key is refused whenever it signed', async (t) => {
  const key = await makeKey({ date: ago(30) });
  const signature = await signWith(key, data, { date: ago(20) });
  const { publicKey } = await openpgp.revokeKey({ key: key.privateKey, format: 'armored' });
  const verdict = await createVerifier(fixedKeys([publicKey])).verify(data, signature);
  t.is(verdict.state, 'revoked-key');
});

test('a signature from the future is bad and says so', async (t) => {
  const key = await makeKey({ date: ago(30) });
  const verdict = await createVerifier(fixedKeys([key.armored]), { now: () => ago(10) }).verify(
    data,
    await signWith(key, data, { date: ago(5) }),
  );
  t.is(verdict.state, 'bad');
  t.regex(reasonOf(verdict), /future/);
});

test('a verdict says when it ends by itself: with the key, the subkey that signed or the signature; or when it begins', async (t) => {
  const key = await makeKey({ date: ago(10), keyExpirationTime: 90 * 86_400 });
  const subkey = { sign: true, keyExpirationTime: 60 * 86_400 };
  const withSubkey = await makeKey({ date: ago(10), keyExpirationTime: 90 * 86_400, subkeys: [subkey] });
  const untilOf = async (by: MadeKey, now = new Date(), signed = now): Promise<number | undefined> => {
    const verifier = createVerifier(fixedKeys([by.armored]), { now: () => now });
    const { until } = await verifier.verify(data, await signWith(by, data, { date: signed }));
    return until && Math.round((until.getTime() - Date.now()) / day);
  };
  t.is(await untilOf(await makeKey()), undefined);
  t.is(await untilOf(key), 80);
  t.is(await untilOf(withSubkey), 50);
  t.is(await untilOf(await makeKey(), new Date(), ago(-3)), 3, 'the signature is of a time to come');
  t.is(await untilOf(key, ago(20), ago(5)), -10, 'the key is');
  const gnupg = await openGnupg(t);
  if (gnupg) {
    const armored = await gnupg.generate('ends@example.org', 'ed25519');
    const signature = await gnupg.sign('ends@example.org', data, '--default-sig-expire', '7d');
    const { until } = await createVerifier(fixedKeys([armored])).verify(data, signature);
    t.is(until && Math.round((until.getTime() - Date.now()) / day), 7);
  }
});

test('weak hashes, signatures over text and short RSA keys are told from bad signatures', async (t) => {
  const { hash, signature: types } = openpgp.enums;
  const rsa = await makeKey({ type: 'rsa', rsaBits: 2048 });
  for (const [name, algorithm] of [
    ['SHA-1', hash.sha1],
    ['MD5', hash.md5],
    ['RIPEMD', hash.ripemd],
  ] as const) {
    const verdict = await verifierOf(rsa).verify(data, await craft(rsa, types.binary, algorithm));
    t.is(verdict.state, 'weak', name);
    t.true(reasonOf(verdict).includes(name));
  }
  t.is((await verifierOf(rsa).verify(data, await craft(rsa, types.binary, hash.sha256))).state, 'good');
  const overText = await verifierOf(rsa).verify(data, await craft(rsa, types.text, hash.sha256));
  t.is(overText.state, 'weak');
  const config = { minRSABits: 1024 };
  const short = await makeKey({ type: 'rsa', rsaBits: 1024, config });
  const verdict = await verifierOf(short).verify(data, await signWith(short, data, { config }));
  t.is(verdict.state, 'weak');
  t.regex(reasonOf(verdict), /1024/);
});

test('a signature that covers no data is never good', async (t) => {
  const { hash, signature } = openpgp.enums;
  const key = await makeKey();
  for (const type of [signature.standalone, signature.timestamp]) {
    const verdict = await verifierOf(key).verify(data, await craft(key, type, hash.sha512));
    t.is(verdict.state, 'bad');
    t.regex(reasonOf(verdict), /none over a file/);
  }
});

test('hash algorithms and versions that nobody reads are refused before the data is', async (t) => {
  const key = await makeKey();
  const raw = Buffer.from(
    (await openpgp.readSignature({ armoredSignature: await signWith(key, data) })).write() as Uint8Array,
  );
  const start = raw.indexOf(Buffer.from([4, 0, 22]));
  const changed = (offset: number, value: number): string => {
    const copy = Buffer.from(raw);
    copy.writeUInt8(value, start + offset);
    return armor(copy);
  };
  t.like(await verifierOf(key).verify(data, changed(3, 99)), {
    state: 'bad',
    reason: 'a signature with an unknown hash algorithm (99)',
  });
  t.is((await verifierOf(key).verify(data, changed(0, 3))).state, 'malformed');
});

test('a signing subkey is good under the name of its primary key', async (t) => {
  const key = await makeKey({ subkeys: [{ sign: true }] });
  const signature = await signWith(key, data);
  t.not(await readIssuer(signature), key.fingerprint);
  t.like(await verifierOf(key).verify(data, signature), { state: 'good', fingerprint: key.fingerprint });
});

test("a key whose own signature is younger than a package still vouches for it, as Elastic's does", async (t) => {
  const key = await makeKey({ date: ago(100) });
  const signature = await signWith(key, data, { date: ago(90) });
  const { publicKey } = await openpgp.reformatKey({
    privateKey: key.privateKey,
    userIDs: { name: 'Again' },
    date: ago(10),
    format: 'object',
  });
  t.is((await createVerifier(fixedKeys([publicKey.armor()])).verify(data, signature)).state, 'good');
});

test('the issuer of a signature is read without a key', async (t) => {
  const key = await makeKey();
  t.is(await readIssuer(await signWith(key, data)), key.fingerprint);
  t.is(await readIssuer('no armor'), undefined);
});

test('no flipped bits in archive or signature are ever good, and nothing but a verdict comes of them', async (t) => {
  const key = await makeKey();
  const verifier = verifierOf(key);
  const signature = await signWith(key, data);
  const packet = (await openpgp.readSignature({ armoredSignature: signature })).packets[0];
  t.truthy(packet);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, mask) => {
      const changed = Buffer.from(data);
      changed.writeUInt8((changed[place % data.length] ?? 0) ^ mask, place % data.length);
      return (await verifier.verify(changed, signature)).state === 'bad';
    }),
    { numRuns: 60 },
  );
  const text = Buffer.from(signature, 'latin1');
  const raw = Buffer.from(
    (await openpgp.readSignature({ armoredSignature: signature })).write() as Uint8Array,
  );
  const hashed = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (place, mask, armored) => {
        const source = armored ? text : raw;
        const changed = Buffer.from(source);
        changed.writeUInt8((changed[place % source.length] ?? 0) ^ mask, place % source.length);
        const form = armored ? changed.toString('latin1') : armor(changed);
        const verdict = await verifier.verify(data, form);
        hashed.add(verdict.state);
        // Words around the armor, its line ends and the part that isn't signed may change without harm.
        return verdict.state !== 'good' || (await sameSignature(form, raw));
      },
    ),
    { numRuns: 600 },
  );
  t.true(hashed.has('bad') && hashed.has('malformed'), [...hashed].join());
});

test('random text is never more than malformed', async (t) => {
  const verifier = verifierOf(await makeKey());
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      async (bytes) => (await verifier.verify(data, armor(Buffer.from(bytes)))).state !== 'good',
    ),
    { numRuns: 300 },
  );
  t.pass();
});

const armor = (bytes: Buffer): string =>
  openpgp.armor(openpgp.enums.armor.signature, new Uint8Array(bytes), undefined, undefined, undefined, true);

const sameSignature = async (form: string, raw: Buffer): Promise<boolean> => {
  const [ours] = (await openpgp.readSignature({ armoredSignature: form })).packets;
  const [theirs] = (await openpgp.readSignature({ binarySignature: raw })).packets;
  const hex = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('hex');
  return hex(ours?.signatureData) === hex(theirs?.signatureData);
};

/** Signs as no sane program does: with the type and the hash that are named. */
const craft = async (
  key: MadeKey,
  type: openpgp.enums.signature,
  hashAlgorithm: openpgp.enums.hash,
): Promise<string> => {
  const packet = new openpgp.SignaturePacket();
  const secret = key.privateKey.keyPacket;
  Object.assign(packet, { signatureType: type, publicKeyAlgorithm: secret.algorithm, hashAlgorithm });
  const message = await openpgp.createMessage({ binary: data });
  const sign = packet.sign.bind(packet) as (...args: unknown[]) => Promise<void>;
  await sign(secret, message.packets[0], new Date(), true, {
    ...openpgp.config,
    nonDeterministicSignaturesViaNotation: false,
  });
  const packets = new openpgp.PacketList<openpgp.SignaturePacket>();
  packets.push(packet);
  return new openpgp.Signature(packets).armor();
};
