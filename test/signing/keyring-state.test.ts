import { join } from 'node:path';
import test from 'ava';
import { createKeyring } from '../../src/signing/keyring.ts';
import { readKeyringState } from '../../src/signing/keyring-state.ts';
import { readPublicKeys } from '../../src/signing/public-key.ts';
import { scratch } from '../support/scratch.ts';
import { makeKey } from './made-keys.ts';

const day = 86_400_000;

test('the state of a keyring is another one when a key comes, goes or expires, or a subkey does', async (t) => {
  const keyring = createKeyring(join(await scratch(t), 'keys'));
  const now = Date.now();
  const tagAt = async (days: number): Promise<string> =>
    (await readKeyringState(keyring, new Date(now + days * day))).tag;
  const add = async (options: Parameters<typeof makeKey>[0]): Promise<string> => {
    const [key] = await readPublicKeys(Buffer.from((await makeKey(options)).armored), 'made');
    t.true(key && (await keyring.add(key)).added);
    return key?.fingerprint ?? '';
  };
  const empty = await tagAt(0);
  const lasting = await add({});
  const one = await tagAt(0);
  t.not(one, empty);
  t.is(await tagAt(5), one, 'nothing expires');
  const ending = await add({ keyExpirationTime: (3 * day) / 1000 });
  t.not(await tagAt(5), await tagAt(1), 'the key expires');
  await keyring.remove(ending);
  t.is(await tagAt(0), one);
  await keyring.remove(lasting);
  await add({ subkeys: [{ sign: true, keyExpirationTime: (3 * day) / 1000 }] });
  t.not(await tagAt(5), await tagAt(1), 'the subkey expires');
});
