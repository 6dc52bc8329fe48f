import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as openpgp5 from 'openpgp5';
import { elasticKey } from '../../src/signing/pinned-keys.ts';
import { readPublicKeys } from '../../src/signing/public-key.ts';
import type { Signer } from '../../src/signing/signature.ts';
import { createSigner } from '../../src/signing/signer.ts';
import { generateSiteKey, type SiteKeyAlgorithm } from '../../src/signing/site-key.ts';
import { writeSiteKey } from '../../src/signing/site-key-files.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { scratch } from '../support/scratch.ts';
import { openGnupg } from './gnupg.ts';

const data = Buffer.from('PK\u0003\u0004 the bytes of an archive\r\n\n');

const algorithms: readonly SiteKeyAlgorithm[] = ['rsa4096', 'ed25519'];

const newSigner = async (t: ExecutionContext, algorithm: SiteKeyAlgorithm): Promise<Signer> => {
  const folder = await scratch(t);
  const passphrase = 'correct horse';
  const key = await generateSiteKey({
    name: 'Site',
    email: 'site@example.org',
    algorithm,
    passphrase,
    lifetime: 86_400 * 365,
  });
  const { privateKey } = await writeSiteKey(join(folder, 'site.key'), key);
  return createSigner(privateKey, passphrase);
};

/** Kibana's way: the first key of its file, the first signature, and a key that was formatted anew is taken. */
const verifyAsKibana = async (
  archive: Uint8Array,
  armoredSignature: string,
  keyFile: string,
): Promise<boolean> => {
  const result = await openpgp5.verify({
    verificationKeys: await openpgp5.readKey({ armoredKey: keyFile }),
    signature: await openpgp5.readSignature({ armoredSignature }),
    message: await openpgp5.createMessage({ binary: archive, format: 'binary' }),
    format: 'binary',
    config: { allowInsecureVerificationWithReformattedKeys: true },
  });
  return result.signatures[0]?.verified.catch(() => false) ?? false;
};

for (const algorithm of algorithms) {
  test(`gpg and the library of Kibana accept what an ${algorithm} site key signs`, async (t) => {
    const signer = await newSigner(t, algorithm);
    const signature = await signer.sign(data);
    t.is((await createVerifier(fixedKeys([signer.publicKey])).verify(data, signature)).state, 'good');
    t.true(await verifyAsKibana(data, signature, signer.publicKey));
    t.true(await verifyAsKibana(data, signature.replace(/\r?\n/g, '\r\n'), signer.publicKey));
    t.false(await verifyAsKibana(Buffer.from('other'), signature, signer.publicKey));
    const gnupg = await openGnupg(t);
    if (gnupg !== undefined) {
      await gnupg.importKey(signer.publicKey);
      const answer = await gnupg.verify(data, signature);
      t.true(answer.ok, answer.status);
      t.true(answer.status.includes(`VALIDSIG ${signer.fingerprint}`), answer.status);
      t.false((await gnupg.verify(Buffer.from('other'), signature)).ok);
    }
  });
}

test('Kibana takes the first key of its file and the first signature alone, and so do we for signatures', async (t) => {
  const [site, other] = [await newSigner(t, 'ed25519'), await newSigner(t, 'ed25519')];
  const twoKeys = site.publicKey + other.publicKey;
  t.true(await verifyAsKibana(data, await site.sign(data), twoKeys));
  t.false(await verifyAsKibana(data, await other.sign(data), twoKeys));
  const packets = new openpgp5.PacketList<openpgp5.SignaturePacket>();
  for (const signer of [other, site]) {
    packets.push(...(await openpgp5.readSignature({ armoredSignature: await signer.sign(data) })).packets);
  }
  const both = new openpgp5.Signature(packets).armor();
  t.false(await verifyAsKibana(data, both, site.publicKey));
  t.is((await createVerifier(fixedKeys([site.publicKey])).verify(data, both)).state, 'unknown-key');
});

for (const algorithm of ['rsa2048', 'rsa3072', 'ed25519']) {
  test(`what gpg signs with ${algorithm} is good, and tampering shows`, async (t) => {
    const gnupg = await openGnupg(t);
    if (gnupg === undefined) {
      t.pass();
      return;
    }
    const publicKey = await gnupg.generate('gpg@example.org', algorithm);
    const signature = await gnupg.sign('gpg@example.org', data);
    const verifier = createVerifier(fixedKeys([publicKey]));
    t.is((await verifier.verify(data, signature)).state, 'good');
    t.is((await verifier.verify(Buffer.from('other'), signature)).state, 'bad');
    const [info] = await readPublicKeys(Buffer.from(publicKey), 'gpg');
    t.is(info?.algorithm, algorithm === 'ed25519' ? 'Ed25519' : algorithm.replace('rsa', 'RSA '));
  });
}

test('an armor without a checksum is good where gpg and the library of Kibana find its end, and only there', async (t) => {
  const gnupg = await openGnupg(t);
  if (gnupg === undefined) {
    t.pass();
    return;
  }
  const publicKey = await gnupg.generate('gpg@example.org', 'ed25519');
  const verifier = createVerifier(fixedKeys([publicKey]));
  const found = new Set<string>();
  for (const value of ['a', 'ab', 'abc']) {
    const signature = await gnupg.sign('gpg@example.org', data, '--set-notation', `n@example.org=${value}`);
    const bare = signature.replace(/\n=\S{4}\n/, '\n');
    t.not(bare, signature);
    for (const form of [bare, bare.replaceAll('\n', '\r\n'), bare.replace('-----END', '\n-----END')]) {
      const isGood = (await verifier.verify(data, form)).state === 'good';
      const [byGnupg, byKibana] = [
        (await gnupg.verify(data, form)).ok,
        await verifyAsKibana(data, form, publicKey).catch(() => false),
      ];
      t.is(isGood, byGnupg && byKibana, form);
      found.add(`${byGnupg} ${byKibana}`);
    }
  }
  t.deepEqual([...found].toSorted(), ['false true', 'true false', 'true true'], 'each of them is tried');
});

test("gpg's SHA-1, text-mode and expired signatures and expired keys are told apart", async (t) => {
  const gnupg = await openGnupg(t);
  if (gnupg === undefined) {
    t.pass();
    return;
  }
  const past = ['--faked-system-time', '20200101T000000'];
  const publicKey = await gnupg.generate('old@example.org', 'rsa2048', ...past);
  const verifier = createVerifier(fixedKeys([publicKey]));
  const stateOf = async (...more: readonly string[]): Promise<string> =>
    (await verifier.verify(data, await gnupg.sign('old@example.org', data, ...more))).state;
  t.is(await stateOf(), 'good');
  t.is(await stateOf('--digest-algo', 'SHA1'), 'weak');
  t.is(await stateOf('--textmode'), 'weak');
  t.is(
    await stateOf('--faked-system-time', '20200201T000000', '--default-sig-expire', '1d'),
    'expired-signature',
  );
  await gnupg.gpg(...past, '--quick-generate-key', 'short@example.org', 'rsa2048', 'sign', '30d');
  const { stdout } = await gnupg.gpg('--armor', '--export', 'short@example.org');
  const signature = await gnupg.sign('short@example.org', data, '--faked-system-time', '20200110T000000');
  t.is((await createVerifier(fixedKeys([stdout])).verify(data, signature)).state, 'expired-key');
});

test("Elastic's key is read with the pinned fingerprint, and is usable", async (t) => {
  const path = resolve('../shared/keys/elastic.asc');
  if (!existsSync(path)) {
    t.log(`skipped: ${path} is absent`);
    t.pass();
    return;
  }
  const [key, ...more] = await readPublicKeys(await readFile(path), path);
  t.is(more.length, 0);
  t.like(key, { fingerprint: elasticKey.fingerprint, state: 'usable', algorithm: 'RSA 2048' });
});

test('a large archive is signed and verified as a stream', async (t) => {
  const folder = await scratch(t);
  const path = join(folder, 'large.zip');
  await writeFile(path, Buffer.alloc(20 << 20, 'PK'));
  const { readArchive } = await import('../../src/signing/archive-signature.ts');
  const signer = await newSigner(t, 'ed25519');
  const signature = await signer.sign(await readArchive(path));
  t.is(
    (await createVerifier(fixedKeys([signer.publicKey])).verify(await readArchive(path), signature)).state,
    'good',
  );
  t.is(signature, signature.trimStart());
  t.true(await verifyAsKibana(await readFile(path), signature, signer.publicKey));
});
