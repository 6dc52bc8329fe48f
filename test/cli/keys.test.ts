import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as openpgp from 'openpgp';
import { createKeysVerb } from '../../src/cli/keys.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { elasticKey } from '../../src/signing/pinned-keys.ts';
import { formatFingerprint } from '../../src/signing/fingerprint.ts';
import { makeKey } from '../signing/made-keys.ts';
import { runVerb, type VerbRun } from './verb-run.ts';

const nobody: Terminal = {
  interactive: false,
  confirm: () => Promise.reject(new Error('asked')),
  secret: () => Promise.reject(new Error('asked')),
};
const answering = (answer: boolean): Terminal => ({
  ...nobody,
  interactive: true,
  confirm: () => Promise.resolve(answer),
});
const elasticFile = resolve('../shared/keys/elastic.asc');

interface Setup {
  readonly folder: string;
  readonly asked: string[];
  keys(args: readonly string[], terminal?: Terminal): Promise<VerbRun>;
}

const setUp = async (t: ExecutionContext, answer = ''): Promise<Setup> => {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const asked: string[] = [];
  const fetchBytes = (url: string): Promise<Uint8Array> => {
    asked.push(url);
    return Promise.resolve(Buffer.from(answer));
  };
  return {
    folder,
    asked,
    keys: (args, terminal = nobody) =>
      runVerb(createKeysVerb({ openFetch: () => fetchBytes, terminal }), args, {
        env: { EPR_KEYRING: join(folder, 'keyring') },
      }),
  };
};

test("Elastic's key is added by name, listed, shown and removed", async (t) => {
  if (!existsSync(elasticFile)) {
    t.log(`skipped: ${elasticFile} is absent`);
    t.pass();
    return;
  }
  const { keys, asked } = await setUp(t, await readFile(elasticFile, 'utf8'));
  const added = await keys(['add', 'elastic']);
  t.is(added.exitCode, 0);
  t.true(added.stdout.includes('4609 5ACC 8548 582C 1A26 99A9 D27D 666C D88E 42B4  (elastic)'));
  t.deepEqual(asked, [elasticKey.url]);
  t.regex((await keys(['add', 'elastic', '--from', elasticFile])).stderr, /already/);
  const list = JSON.parse((await keys(['list', '--json'])).stdout) as {
    fingerprint: string;
    state: string;
  }[];
  t.like(list, [{ fingerprint: elasticKey.fingerprint, state: 'usable' }]);
  t.true((await keys(['show', 'elastic'])).stdout.startsWith('-----BEGIN PGP PUBLIC KEY BLOCK-----'));
  const groups = formatFingerprint(elasticKey.fingerprint).split(' ');
  t.is((await keys(['show', ...groups])).exitCode, 0, 'as it is copied from the list');
  t.is((await keys(['remove', ...groups])).exitCode, 0);
  t.is((await keys(['show', 'elastic'])).error?.code, 'KEY_UNKNOWN');
});

test('a key that only calls itself elastic is refused', async (t) => {
  const stranger = await makeKey({ userIDs: { name: 'Elasticsearch' } });
  const { keys, folder } = await setUp(t, stranger.armored);
  t.is((await keys(['add', 'elastic'])).error?.code, 'KEY_FINGERPRINT');
  await writeFile(join(folder, 'key.asc'), stranger.armored);
  t.is((await keys(['add', 'elastic', '--from', join(folder, 'key.asc')])).error?.code, 'KEY_FINGERPRINT');
  t.is((await keys(['list'])).stdout, '');
});

test('another key needs its fingerprint, a person who confirms it, or --yes', async (t) => {
  const { keys, folder } = await setUp(t);
  const [key, other] = [await makeKey(), await makeKey()];
  const file = join(folder, 'key.asc');
  await writeFile(file, key.armored);
  const unconfirmed = await keys(['add', file]);
  t.is(unconfirmed.error?.code, 'KEY_UNCONFIRMED');
  t.true(unconfirmed.stderr.includes(formatFingerprint(key.fingerprint)));
  t.is((await keys(['add', file], answering(false))).error?.code, 'KEY_UNCONFIRMED');
  t.is((await keys(['add', file, '--expect', other.fingerprint])).error?.code, 'KEY_FINGERPRINT');
  t.is((await keys(['add', file, '--expect', key.fingerprint.slice(-16)])).error?.code, 'USAGE');
  for (const confirmed of [
    () => keys(['add', file], answering(true)),
    () => keys(['add', file, '--yes']),
    () => keys(['add', file, '--expect', formatFingerprint(key.fingerprint)]),
  ]) {
    t.is((await confirmed()).exitCode, 0);
    t.is((await keys(['remove', key.fingerprint])).exitCode, 0);
  }
});

test('of a file with two keys the expected one is taken, and never both', async (t) => {
  const { keys, folder } = await setUp(t);
  const [one, two] = [await makeKey(), await makeKey()];
  const file = join(folder, 'keys.asc');
  await writeFile(file, one.armored + two.armored);
  t.regex((await keys(['add', file, '--yes'])).error?.message ?? '', /2 keys/);
  await keys(['add', file, '--expect', two.fingerprint]);
  const list = JSON.parse((await keys(['list', '--json'])).stdout) as { fingerprint: string }[];
  t.deepEqual(
    list.map(({ fingerprint }) => fingerprint),
    [two.fingerprint],
  );
});

test("a key's name can't write to the terminal", async (t) => {
  const { keys, folder } = await setUp(t);
  const key = await makeKey({ userIDs: { name: 'Eve\u001b[2J\u001b[1;1Htrusted' } });
  await writeFile(join(folder, 'key.asc'), key.armored);
  const { stdout } = await keys(['add', join(folder, 'key.asc'), '--yes']);
  t.true(stdout.includes('Eve?[2J') && !stdout.includes('\u001b'));
});

test('a private key, an expired key and garbage are refused by name', async (t) => {
  const { keys, folder } = await setUp(t);
  const file = join(folder, 'key.asc');
  const expired = await makeKey({ date: new Date('2020-01-01'), keyExpirationTime: 86_400 });
  for (const [content, code] of [
    [(await makeKey()).privateKey.armor(), 'KEY_SECRET'],
    [expired.armored, 'KEY_UNUSABLE'],
    ['<html>', 'KEY_INVALID'],
  ] as const) {
    await writeFile(file, content);
    t.is((await keys(['add', file, '--yes'])).error?.code, code);
  }
  t.is((await keys(['add', join(folder, 'absent.asc'), '--yes'])).error?.code, 'SIGNED_FILE_UNREADABLE');
});

test('the revocation of a trusted key is taken in, by its owner only, and an old file does not undo it', async (t) => {
  const { keys, folder } = await setUp(t);
  const key = await makeKey();
  const stranger = await makeKey();
  const file = join(folder, 'key.asc');
  await writeFile(file, key.armored);
  await keys(['add', file, '--yes']);
  const state = async (): Promise<string | undefined> =>
    (JSON.parse((await keys(['list', '--json'])).stdout) as { state: string }[])[0]?.state;

  const { publicKey: revoked } = await openpgp.revokeKey({ key: key.privateKey, format: 'object' });
  // Another key's revocation, put under this one's name.
  const { publicKey: other } = await openpgp.revokeKey({ key: stranger.privateKey, format: 'object' });
  const forged = await openpgp.readKey({ armoredKey: key.armored });
  forged.revocationSignatures.push(...other.revocationSignatures);
  await writeFile(join(folder, 'forged.asc'), forged.armor());
  await keys(['add', join(folder, 'forged.asc'), '--yes']);
  t.is(await state(), 'usable');

  await writeFile(join(folder, 'revoked.asc'), revoked.armor());
  const { exitCode, stderr } = await keys(['add', join(folder, 'revoked.asc')]);
  t.is(exitCode, 0);
  t.regex(stderr, /nothing that it signed counts here: key \w{40} was revoked/);
  t.is(await state(), 'revoked');
  await keys(['add', file]);
  t.is(await state(), 'revoked');
});

test('a revocation certificate alone ends the key that it is of', async (t) => {
  const { keys, folder } = await setUp(t);
  const { publicKey, revocationCertificate } = await openpgp.generateKey({
    type: 'ecc',
    userIDs: [{ name: 'Site' }],
    format: 'object',
  });
  await writeFile(join(folder, 'site.pub.asc'), publicKey.armor());
  await writeFile(join(folder, 'site.rev.asc'), revocationCertificate);
  const early = await keys(['add', join(folder, 'site.rev.asc')]);
  t.regex(early.error?.message ?? '', /revocation certificate, but of no key in the keyring/);
  await keys(['add', join(folder, 'site.pub.asc'), '--yes']);
  const { exitCode, stdout } = await keys(['add', join(folder, 'site.rev.asc')]);
  t.is(exitCode, 0);
  t.regex(stdout, /NOT USABLE: key \w{40} was revoked/);
});
