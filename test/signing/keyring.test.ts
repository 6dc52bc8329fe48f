import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as openpgp from 'openpgp';
import { DepotError } from '../../src/domain/errors.ts';
import { addPinnedKey, chooseKey, refuseUnusable } from '../../src/signing/key-choice.ts';
import { shownSource } from '../../src/signing/key-fetch.ts';
import { createKeyring, keyringLocation } from '../../src/signing/keyring.ts';
import { elasticKey } from '../../src/signing/pinned-keys.ts';
import { formatFingerprint, parseFingerprint } from '../../src/signing/fingerprint.ts';
import { readPublicKeys, uniteInfos, type PublicKeyInfo } from '../../src/signing/public-key.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { makeKey, signWith, type MadeKey } from './made-keys.ts';

const data = Buffer.from('PK the bytes of an archive');

const scratch = async (t: ExecutionContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'keyring-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
};
const infoOf = async (key: MadeKey): Promise<PublicKeyInfo> => {
  const [info] = await readPublicKeys(Buffer.from(key.armored), 'made');
  if (info === undefined) {
    throw new Error('no key');
  }
  return info;
};
const codeOf = async (t: ExecutionContext, promise: Promise<unknown>): Promise<string | undefined> =>
  (await t.throwsAsync(promise, { instanceOf: DepotError }))?.code;

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

test('keys are read armored, binary, several in one file and with words around', async (t) => {
  const [one, two] = [await makeKey(), await makeKey()];
  const both = [one.fingerprint, two.fingerprint];
  const read = async (content: Uint8Array): Promise<string[]> =>
    (await readPublicKeys(content, 'x')).map(({ fingerprint }) => fingerprint);
  t.deepEqual(await read(Buffer.from(`hello\n${one.armored}\nand\n${two.armored}`)), both);
  t.deepEqual(await read(Buffer.concat([one.publicKey.write(), two.publicKey.write()])), both);
  t.deepEqual(await read(Buffer.from(one.armored + one.armored)), [one.fingerprint]);
  for (const bad of [
    '',
    '<html>',
    '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n-----END PGP PUBLIC KEY BLOCK-----',
    '\u00ff\u00ff\u00ff',
  ]) {
    t.is(await codeOf(t, readPublicKeys(Buffer.from(bad, 'latin1'), 'x')), 'KEY_INVALID', bad);
  }
  t.is(await codeOf(t, readPublicKeys(Buffer.alloc((1 << 20) + 1), 'x')), 'KEY_INVALID');
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

test('the state of a key says why nothing of it is trusted', async (t) => {
  const expired = await makeKey({ date: new Date('2020-01-01'), keyExpirationTime: 86_400 });
  const revoked = await makeKey();
  const { publicKey } = await openpgp.revokeKey({ key: revoked.privateKey, format: 'armored' });
  const weak = await makeKey({ type: 'rsa', rsaBits: 1024, config: { minRSABits: 1024 } });
  const states = await Promise.all(
    [expired.armored, publicKey, weak.armored].map(
      async (armored) => (await readPublicKeys(Buffer.from(armored), 'x'))[0],
    ),
  );
  t.deepEqual(
    states.map((key) => key?.state),
    ['expired', 'revoked', 'weak'],
  );
  const found = states.filter((key) => key !== undefined);
  t.throws(() => refuseUnusable(chooseKey(found, expired.fingerprint, 'x'), 'x'), { message: /expired/ });
});

test('a name that the key has not signed is not shown as its own', async (t) => {
  const key = await makeKey({ userIDs: { name: 'Vendor' } });
  const bytes = Buffer.from(key.publicKey.write());
  const other = await makeKey({ userIDs: { name: 'Vendor' } });
  const forged = await openpgp.readKey({ binaryKey: bytes });
  forged.users.unshift(...(await openpgp.readKey({ armoredKey: other.armored })).users);
  const [user] = forged.users;
  if (user?.userID) {
    Object.assign(user.userID, openpgp.UserIDPacket.fromObject({ name: 'Elasticsearch' }));
  }
  const [info] = await readPublicKeys(Buffer.from(forged.armor()), 'x');
  t.is(info?.fingerprint, key.fingerprint);
  t.deepEqual(info?.userIds, ['Vendor']);
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

test('of two copies of a key in one file the revoked one counts, wherever it stands', async (t) => {
  const key = await makeKey();
  const { publicKey: revoked } = await openpgp.revokeKey({ key: key.privateKey, format: 'armored' });
  for (const copies of [
    [key.armored, revoked],
    [revoked, key.armored],
  ]) {
    const found = await readPublicKeys(Buffer.from(copies.join('\n')), 'two copies');
    t.deepEqual(
      found.map(({ state }) => state),
      ['revoked'],
    );
    const path = join(await scratch(t), 'one-file.asc');
    await writeFile(path, copies.join('\n'));
    const verdict = await createVerifier(createKeyring(path)).verify(data, await signWith(key, data));
    t.is(verdict.state, 'revoked-key');
  }
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

test('fingerprints are full or nothing', (t) => {
  t.is(parseFingerprint('4609 5ACC 8548 582C 1A26 99A9 D27D 666C D88E 42B4'), elasticKey.fingerprint);
  t.is(parseFingerprint('0x46095acc8548582c1a2699a9d27d666cd88e42b4'), elasticKey.fingerprint);
  for (const bad of ['D27D666CD88E42B4', '', 'x'.repeat(40), `${elasticKey.fingerprint}0`]) {
    t.is(parseFingerprint(bad), undefined);
  }
  t.is(formatFingerprint(elasticKey.fingerprint), '4609 5ACC 8548 582C 1A26 99A9 D27D 666C D88E 42B4');
});

test('the pinned key is taken from its address or a file only if the fingerprint agrees', async (t) => {
  const keyring = createKeyring(await scratch(t));
  const stranger = await makeKey();
  const lie = (): Promise<Uint8Array> => Promise.resolve(Buffer.from(stranger.armored));
  t.is(await codeOf(t, addPinnedKey(keyring, elasticKey, lie)), 'KEY_FINGERPRINT');
  t.deepEqual(await keyring.list(), []);
  const path = resolve('../shared/keys/elastic.asc');
  if (!existsSync(path)) {
    t.log(`skipped: ${path} is absent`);
    return;
  }
  const asked: string[] = [];
  const serve = async (url: string): Promise<Uint8Array> => {
    asked.push(url);
    return readFile(path);
  };
  t.true((await addPinnedKey(keyring, elasticKey, serve)).added);
  t.false((await addPinnedKey(keyring, elasticKey, serve)).added);
  t.false((await addPinnedKey(keyring, elasticKey, lie, path)).added);
  t.deepEqual(asked, ['https://artifacts.elastic.co/GPG-KEY-elasticsearch']);
});

test('user and password of an address are shown nowhere', (t) => {
  t.is(shownSource('https://user:geheim@127.0.0.1:1/key'), 'https://127.0.0.1:1/key');
  t.is(shownSource('https://user:geheim@[bad/key'), 'https://[bad/key');
  t.is(shownSource('./key.asc'), './key.asc');
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
