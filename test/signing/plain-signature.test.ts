import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import * as openpgp from 'openpgp';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { makeKey } from './made-keys.ts';

const data = Buffer.from('the bytes of an archive, more or less');
const day = 86_400_000;

/** Bytes get the verdict from OpenSSL where they can, a stream always from the library. */
async function verdict(
  t: ExecutionContext,
  armored: string,
  signature: string,
  now = new Date(Date.now() + 1000),
): Promise<string> {
  const verifier = createVerifier(fixedKeys([armored]), { now: () => now });
  const quick = await verifier.verify(data, signature);
  t.deepEqual(quick, await verifier.verify(Readable.from([data]), signature));
  return quick.state;
}

const sign = async (
  key: openpgp.PrivateKey,
  options: Partial<openpgp.SignOptions & { format: 'armored'; detached: true }> = {},
): Promise<string> =>
  openpgp.sign({
    message: await openpgp.createMessage({ binary: data }),
    signingKeys: key,
    detached: true,
    format: 'armored',
    ...options,
  });

test('a signature is as good as the library finds it: subkeys, dates, what is critical, renewed keys', async (t) => {
  const rsa = { type: 'rsa', rsaBits: 2048 } as const;
  const key = await makeKey(rsa);
  t.is(await verdict(t, key.armored, await sign(key.privateKey)), 'good');

  const withSubkey = await makeKey({ ...rsa, subkeys: [{ sign: true }] });
  t.is(await verdict(t, withSubkey.armored, await sign(withSubkey.privateKey)), 'good');

  t.is(
    await verdict(t, key.armored, await sign(key.privateKey, { date: new Date(Date.now() + day) })),
    'bad',
    'signed tomorrow',
  );
  t.is(
    await verdict(t, key.armored, await sign(key.privateKey), new Date(Date.now() - day)),
    'bad',
    'the clock is a day late',
  );

  const critical = await sign(key.privateKey, {
    signatureNotations: [
      { name: 'only@example.org', value: Buffer.from('x'), humanReadable: true, critical: true },
    ],
  });
  t.is(await verdict(t, key.armored, critical), 'bad', 'a critical notation that nobody understands');

  const past = new Date(Date.now() - 10 * day);
  const old = await makeKey({ ...rsa, date: past });
  const signature = await sign(old.privateKey, { date: new Date(past.getTime() + day) });
  t.is(await verdict(t, old.armored, signature), 'good');
  const renewed = await openpgp.reformatKey({
    privateKey: old.privateKey,
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    date: new Date(Date.now() - day),
    format: 'object',
  });
  t.is(
    await verdict(t, renewed.publicKey.armor(), signature),
    'good',
    'older than the self-signature of its key',
  );

  const ended = await makeKey({ ...rsa, date: past, keyExpirationTime: 86_400 * 5 });
  const before = await sign(ended.privateKey, { date: new Date(past.getTime() + day) });
  t.is(await verdict(t, ended.armored, before), 'expired-key');
});
