import test from 'ava';
import * as openpgp from 'openpgp';
import { readPublicKeys, type PublicKeyInfo } from '../../src/signing/public-key.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { openGnupg } from './gnupg.ts';
import { makeKey, signWith } from './made-keys.ts';

const data = Buffer.from('PK\u0003\u0004 an archive');
const infoOf = async (armored: string): Promise<PublicKeyInfo | undefined> =>
  (await readPublicKeys(Buffer.from(armored), 'made'))[0];

for (const [reason, flag] of [
  ['retired', openpgp.enums.reasonForRevocation.keyRetired],
  ['superseded', openpgp.enums.reasonForRevocation.keySuperseded],
  ['compromised', openpgp.enums.reasonForRevocation.keyCompromised],
  ['without a reason', openpgp.enums.reasonForRevocation.noReason],
] as const) {
  test(`a key that is revoked (${reason}) by a clock that goes ahead is revoked at once`, async (t) => {
    const key = await makeKey();
    const signature = await signWith(key, data);
    const { publicKey } = await openpgp.revokeKey({
      key: key.privateKey,
      reasonForRevocation: { flag },
      date: new Date(Date.now() + 3 * 86_400_000),
      format: 'armored',
    });
    t.is((await infoOf(publicKey))?.state, 'revoked');
    t.is((await createVerifier(fixedKeys([publicKey])).verify(data, signature)).state, 'revoked-key');
  });
}

test('a subkey that is retired by a clock that goes ahead is revoked at once', async (t) => {
  const key = await makeKey({ subkeys: [{ sign: true }] });
  const signature = await signWith(key, data);
  const later = new Date(Date.now() + 86_400_000);
  const revoked = await key.privateKey.subkeys[0]?.revoke(
    key.privateKey.keyPacket as openpgp.SecretKeyPacket,
    { flag: openpgp.enums.reasonForRevocation.keyRetired },
    later,
  );
  key.privateKey.subkeys = revoked ? [revoked] : [];
  const armored = key.privateKey.toPublic().armor();
  t.is((await createVerifier(fixedKeys([armored])).verify(data, signature)).state, 'revoked-key');
});

test('a key of version 6 or of a curve that nothing can be checked with says so', async (t) => {
  const six = await infoOf((await makeKey({ type: 'curve25519', config: { v6Keys: true } })).armored);
  t.is(six?.state, 'invalid');
  t.regex(six?.reason ?? '', /is of version 6, whose signatures neither Kibana nor GnuPG 2\.2 can read/);
  const gnupg = await openGnupg(t);
  const brainpool = gnupg && (await infoOf(await gnupg.generate('curve@example.org', 'brainpoolP256r1')));
  if (brainpool) {
    t.is(brainpool.state, 'invalid');
    t.regex(brainpool.reason ?? '', /is of the curve brainpoolP256r1, whose signatures can't be checked/);
    const signature = await gnupg.sign('curve@example.org', data);
    const verdict = await createVerifier(fixedKeys([brainpool.armored])).verify(data, signature);
    t.like(verdict, { state: 'bad', reason: brainpool.reason });
  }
});

test('what an Ed448 key signs is not good, since neither gpg nor Kibana could say so', async (t) => {
  const key = await makeKey({ type: 'curve448' });
  t.like(await infoOf(key.armored), { state: 'invalid' });
  const verdict = await createVerifier(fixedKeys([key.armored])).verify(data, await signWith(key, data));
  t.like(verdict, { state: 'bad' });
  t.regex(
    verdict.state === 'good' ? '' : verdict.reason,
    /is of Ed448, whose signatures neither Kibana nor GnuPG/,
  );
});

test('a key with no part that could sign is of no use, and says so', async (t) => {
  const gnupg = await openGnupg(t);
  if (!gnupg) {
    t.pass();
    return;
  }
  const cases = [
    ['encrypts@example.org', [['rsa2048', 'encr']], false],
    ['weak@example.org', [['rsa1024', 'sign']], false],
    [
      'signs@example.org',
      [
        ['rsa1024', 'sign'],
        ['rsa2048', 'sign'],
      ],
      true,
    ],
  ] as const;
  for (const [userId, subkeys, signs] of cases) {
    await gnupg.gpg('--quick-generate-key', userId, 'rsa2048', 'cert', 'never');
    const { stdout } = await gnupg.gpg('--with-colons', '--list-keys', userId);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(stdout)?.[1] ?? '';
    for (const [algorithm, usage] of subkeys) {
      await gnupg.gpg('--quick-add-key', fingerprint, algorithm, usage, 'never');
    }
    const info = await infoOf((await gnupg.gpg('--armor', '--export', userId)).stdout);
    t.is(info?.state, signs ? 'usable' : 'invalid', userId);
    t.is(
      info?.reason,
      signs ? undefined : `key ${fingerprint} has no part that may sign and is strong enough`,
    );
  }
});

test('a signing subkey that has expired leaves its key in use', async (t) => {
  const made = new Date(Date.now() - 10 * 86_400_000);
  const key = await makeKey({ date: made, subkeys: [{ sign: true, keyExpirationTime: 86_400 }] });
  t.is((await infoOf(key.armored))?.state, 'usable');
});

test('a key that is younger than the clock, or whose own signature is worthless, says so', async (t) => {
  const later = new Date(Date.now() + 3 * 86_400_000);
  const early = await infoOf((await makeKey({ date: later })).armored);
  t.is(early?.state, 'invalid');
  t.regex(early?.reason ?? '', /is of 20\S+Z, which is in the future for this machine's clock$/);
  const gnupg = await openGnupg(t);
  const weak =
    gnupg && (await gnupg.generate('weak@example.org', 'rsa2048', '--cert-digest-algo', 'RIPEMD160'));
  if (weak !== undefined) {
    const info = await infoOf(weak);
    t.is(info?.state, 'invalid');
    t.regex(info?.reason ?? '', /has no valid signature of its own \(.*Insecure hash algorithm: RIPEMD\)/);
  }
});
