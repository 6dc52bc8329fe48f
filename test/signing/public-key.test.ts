import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as openpgp from 'openpgp';
import { chooseKey, refuseUnusable } from '../../src/signing/key-choice.ts';
import { createKeyring } from '../../src/signing/keyring.ts';
import { readPublicKeys } from '../../src/signing/public-key.ts';
import { createVerifier } from '../../src/signing/verifier.ts';
import { codeOf } from '../support/code-of.ts';
import { scratch } from '../support/scratch.ts';
import { makeKey, signWith } from './made-keys.ts';

const data = Buffer.from('PK the bytes of an archive');

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
