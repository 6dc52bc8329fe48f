import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import test from 'ava';
import { addPinnedKey } from '../../src/signing/key-choice.ts';
import { shownSource } from '../../src/signing/key-fetch.ts';
import { createKeyring } from '../../src/signing/keyring.ts';
import { elasticKey } from '../../src/signing/pinned-keys.ts';
import { codeOf } from '../support/code-of.ts';
import { scratch } from '../support/scratch.ts';
import { makeKey } from './made-keys.ts';

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
