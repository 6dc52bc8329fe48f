import { execFileSync } from 'node:child_process';
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as openpgp from 'openpgp';
import { createKeyring, keyringLocation } from '../../src/signing/keyring.ts';
import { formatFingerprint } from '../../src/signing/fingerprint.ts';
import { readPublicKeys, uniteInfos, type PublicKeyInfo } from '../../src/signing/public-key.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { codeOf } from '../support/code-of.ts';
import { scratch } from '../support/scratch.ts';
import { makeKey, signWith, type MadeKey } from './made-keys.ts';

const data = Buffer.from('PK the bytes of an archive');

const infoOf = async (key: MadeKey): Promise<PublicKeyInfo> => {
  const [info] = await readPublicKeys(Buffer.from(key.armored), 'made');
  if (info === undefined) {
    throw new Error('no key');
  }
  return info;
};

test('a key is added once, listed, and removed by its full fingerprint', async (t) => {
  const location = join(await scratch(t), 'new', 'keyring');
  const keyring = createKeyring(location);
  const key = await infoOf(await makeKey());
  t.deepEqual(await keyring.list(), []);
  t.deepEqual(await keyring.add(key), { added: true });
  t.deepEqual(await keyring.add(key), { added: false });
  t.deepEqual(
    (await keyring.list()).map(({ fingerprint }) => fingerprint),
    [key.fingerprint],
  );
  t.deepEqual(await readdir(location), [`${key.fingerprint}.asc`]);
  t.is((await stat(join(location, `${key.fingerprint}.asc`))).mode & 0o777, 0o644);
  t.is(await codeOf(t, keyring.remove(key.fingerprint.slice(-16))), 'USAGE');
  t.is(await codeOf(t, keyring.remove('0'.repeat(40))), 'KEY_UNKNOWN');
  t.is(
    (await keyring.remove(formatFingerprint(key.fingerprint).toLowerCase()))?.fingerprint,
    key.fingerprint,
  );
  t.deepEqual(await keyring.list(), []);
});

test('a file that looks like a key but is not named for it stops the keyring', async (t) => {
  const location = await scratch(t);
  const keyring = createKeyring(location);
  const [mine, other] = [await makeKey(), await makeKey()];
  await keyring.add(await infoOf(mine));
  await writeFile(join(location, 'README.md'), 'notes are fine');
  await writeFile(join(location, '.hidden.asc'), 'temporary');
  t.is((await keyring.list()).length, 1);
  await writeFile(join(location, `${'A'.repeat(40)}.asc`), other.armored);
  t.is(await codeOf(t, keyring.list()), 'KEYRING_INVALID');
  await keyring.remove('A'.repeat(40));
  await writeFile(join(location, `${other.fingerprint}.asc`), other.armored + mine.armored);
  t.is(await codeOf(t, keyring.list()), 'KEYRING_INVALID');
  await writeFile(join(location, `${other.fingerprint}.asc`), 'garbage');
  t.is(await codeOf(t, keyring.list()), 'KEY_INVALID');
});

test('a private key never gets into a keyring, armored or binary', async (t) => {
  const key = await makeKey();
  t.is(await codeOf(t, readPublicKeys(Buffer.from(key.privateKey.armor()), 'x')), 'KEY_SECRET');
  t.is(await codeOf(t, readPublicKeys(key.privateKey.write(), 'x')), 'KEY_SECRET');
  t.is(await codeOf(t, readPublicKeys(Buffer.from(key.armored + key.privateKey.armor()), 'x')), 'KEY_SECRET');
});

test('a keyring that is one file is read, and never written', async (t) => {
  const path = join(await scratch(t), 'keys.asc');
  const [one, two] = [await makeKey(), await makeKey()];
  await writeFile(path, one.armored + two.armored);
  const keyring = createKeyring(path);
  t.is((await keyring.list()).length, 2);
  t.is((await keyring.armoredKeys()).length, 2);
  t.is(await codeOf(t, keyring.add(await infoOf(await makeKey()))), 'KEYRING_UNWRITABLE');
  t.is(await codeOf(t, keyring.remove(one.fingerprint)), 'KEYRING_UNWRITABLE');
});

test('a pipe in the keyring is told, and nobody waits for it', async (t) => {
  const location = await scratch(t);
  execFileSync('mkfifo', [join(location, `${'A'.repeat(40)}.asc`)]);
  await t.throwsAsync(createKeyring(location).list(), {
    code: 'KEYRING_INVALID',
    message: /it is no regular file/,
  });
});

test('a folder of mounted files, linked as Kubernetes does, is read', async (t) => {
  const location = await scratch(t);
  const key = await makeKey();
  await mkdir(join(location, '..data'));
  await writeFile(join(location, '..data', `${key.fingerprint}.asc`), key.armored);
  await symlink(join('..data', `${key.fingerprint}.asc`), join(location, `${key.fingerprint}.asc`));
  t.is((await createKeyring(location).list())[0]?.fingerprint, key.fingerprint);
});

test('an older file of a revoked key does not bring it back', async (t) => {
  const keyring = createKeyring(await scratch(t));
  const key = await makeKey();
  const { publicKey } = await openpgp.revokeKey({ key: key.privateKey, format: 'armored' });
  const [revoked] = await readPublicKeys(Buffer.from(publicKey), 'x');
  const old = await infoOf(key);
  await keyring.add(old);
  t.true(revoked !== undefined && (await keyring.add(revoked)).added);
  t.false((await keyring.add(old)).added);
  t.is((await keyring.list())[0]?.state, 'revoked');
});

test('copies of a key in several files count together: prolonged or extended in one of them, revoked in another', async (t) => {
  const day = 86_400;
  const date = new Date(Date.now() - 30 * day * 1000);
  const key = await makeKey({ date, keyExpirationTime: 10 * day, subkeys: [{ sign: true }] });
  const old = await openpgp.readKey({ armoredKey: key.armored });
  old.subkeys = [];
  const { privateKey } = key;
  const options = { privateKey, userIDs: [{ name: 'Test' }], keyExpirationTime: 90 * day };
  const prolonged = await openpgp.reformatKey({ ...options, format: 'object' });
  const signature = await signWith({ ...key, privateKey: prolonged.privateKey }, data);
  const { publicKey: revoked } = await openpgp.revokeKey({ key: privateKey, format: 'armored' });
  for (const [copies, state, verdict] of [
    [[old.armor()], 'expired', 'unknown-key'],
    [[old.armor(), prolonged.publicKey.armor()], 'usable', 'good'],
    [[revoked, old.armor(), prolonged.publicKey.armor()], 'revoked', 'revoked-key'],
  ] as const) {
    for (const order of [copies, copies.toReversed()]) {
      t.is((await createVerifier(fixedKeys(order)).verify(data, signature)).state, verdict);
      const infos = await Promise.all(order.map((one) => readPublicKeys(Buffer.from(one), 'one')));
      const united = await uniteInfos(infos.flat());
      t.deepEqual(
        united.map((one) => one.state),
        [state],
      );
    }
  }
});

test('the keyring is where it is said to be, in order of force', (t) => {
  const env = { HOME: '/home/x', XDG_CONFIG_HOME: '/cfg', EPR_KEYRING: '/env' };
  t.is(keyringLocation('/flag', env, '/depot'), '/flag');
  t.is(keyringLocation(undefined, env, '/depot'), '/env');
  t.is(keyringLocation(undefined, { HOME: '/home/x' }, '/depot'), '/depot/keys');
  t.is(keyringLocation(undefined, { HOME: '/home/x', XDG_CONFIG_HOME: '/cfg' }), '/cfg/fleet-depot/keyring');
  t.is(
    keyringLocation(undefined, { HOME: '/home/x', XDG_CONFIG_HOME: 'relative' }),
    '/home/x/.config/fleet-depot/keyring',
  );
});
