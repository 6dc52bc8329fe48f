import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { parseLockFile, type LockedPackage } from '../../src/mirror/lock-file.ts';
import { generateSiteKey, writeSiteKey } from '../../src/signing/site-key.ts';
import { readZip } from '../support/zip-files.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { createPublisher } from '../support/signed-packages.ts';
import { runSyncVerb, writeDefinition, type SyncRun } from '../support/sync-run.ts';
import { startUpstream, type FakeUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();
const siteKey = await generateSiteKey({
  name: 'Site',
  email: undefined,
  algorithm: 'ed25519',
  lifetime: undefined,
  passphrase: undefined,
});

interface Scene {
  readonly upstream: FakeUpstream;
  readonly folder: string;
  readonly to: string;
  readonly keyFile: string;
  run(...words: string[]): Promise<SyncRun>;
  locked(): readonly LockedPackage[];
}

const setUp = async (t: ExecutionContext): Promise<Scene> => {
  const upstream = await startUpstream();
  t.teardown(() => upstream.close());
  const folder = await scratch(t);
  for (const [name, manifest] of [
    ['shown', {}],
    ['plain', { screenshots: undefined }],
  ] as const) {
    const zip = await readFile(await writeZipPackage(join(folder, 'made'), { name, manifest }));
    upstream.offer({ name, version: '1.0.0', zip, signature: await publisher.sign(zip) });
  }
  const keyFile = join(folder, 'site.key');
  await writeSiteKey(keyFile, siteKey);
  const definition = writeDefinition(
    folder,
    upstream.address,
    'queries:\n  - all: true\nstrip-screenshots: true\n',
  );
  const to = join(folder, 'to');
  return {
    upstream,
    folder,
    to,
    keyFile,
    run: (...words) =>
      runSyncVerb([definition, '--to', to, '--json', ...words], { key: publisher.publicKey }),
    locked: () => parseLockFile(readFileSync(join(to, 'distribution.lock'), 'utf8'), 'lock').packages,
  };
};

test('screenshots go, everything else stays byte for byte, and a strict server takes it with the site key alone', async (t) => {
  const { run, to, keyFile, folder, locked } = await setUp(t);
  const { exitCode, stderr, json } = await run('--resign-key', keyFile);
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.report.warnings, []);
  const [before, after] = await Promise.all(
    [join(folder, 'made'), to].map((one) => readZip(join(one, 'shown-1.0.0.zip'))),
  );
  const gone = [...(before?.keys() ?? [])].filter((path) => !after?.has(path));
  t.is(gone.length, 1);
  t.regex(gone[0] ?? '', /img\/.*screenshot.*\.png$/);
  for (const [path, bytes] of after ?? []) {
    if (basename(path) !== 'manifest.yml' || path.split('/').length > 2) {
      t.deepEqual(bytes, before?.get(path), path);
    }
  }
  const manifest = after?.get('shown-1.0.0/manifest.yml')?.toString() ?? '';
  const whole = before?.get('shown-1.0.0/manifest.yml')?.toString() ?? '';
  t.is(manifest, whole.replace(/^screenshots: .*\n/m, ''));
  t.deepEqual(
    readFileSync(join(to, 'plain-1.0.0.zip')),
    readFileSync(join(folder, 'made', 'plain-1.0.0.zip')),
  );

  for (const one of locked()) {
    t.is(one.signer, siteKey.fingerprint);
    t.is(one.original?.signer, publisher.fingerprint);
    t.is(one.original?.sha256 === one.sha256, one.name === 'plain');
  }
  const keyring = join(folder, 'site.pub.asc');
  const server = await startServer({
    packagePaths: [to],
    flags: { keyring, 'signature-policy': 'verified', 'kibana-key': siteKey.fingerprint },
  });
  t.teardown(() => server.close());
  const { packages, quarantine } = await server.app.ready;
  t.deepEqual(quarantine, []);
  t.is(packages.length, 2);
});

test('a second run has nothing to do; the same set comes out of its lock file with the same archives', async (t) => {
  const { run, to, keyFile, upstream, locked } = await setUp(t);
  await run('--resign-key', keyFile);
  upstream.requests.length = 0;
  const again = await run('--resign-key', keyFile);
  t.is(again.json.report.kept.length, 2);
  t.deepEqual(
    upstream.requests.filter((one) => one.includes('/epr/')),
    [],
  );
  const first = locked().map((one) => one.sha256);
  const words = ['--locked', '--lock', join(to, 'distribution.lock'), '--resign-key', keyFile];
  const other = await run(...words, '--to', `${to}-again`);
  t.is(other.exitCode, 0, other.stderr);
  const lock = parseLockFile(readFileSync(join(`${to}-again`, 'distribution.lock'), 'utf8'), 'lock');
  t.deepEqual(
    lock.packages.map((one) => one.sha256),
    first,
  );
});

test('without the wish, a stripped package is fetched as it is', async (t) => {
  const { run, folder, keyFile, upstream, locked } = await setUp(t);
  await run('--resign-key', keyFile);
  writeDefinition(folder, upstream.address);
  const { exitCode, json } = await run();
  t.is(exitCode, 0);
  t.is(json.report.fetched.length, 2);
  t.true(locked().every((one) => one.original === undefined && one.signer === publisher.fingerprint));
});

test('nothing is stripped without a site key, nor what nobody vouches for', async (t) => {
  const { run, upstream, keyFile, to } = await setUp(t);
  const keyless = await run();
  t.is(keyless.exitCode, 2);
  t.regex(keyless.stderr, /--resign-key/);
  t.is((await run('--resign-key', keyFile, '--no-require-signature')).exitCode, 2);
  upstream.offer(await publisher.make('other', '1.0.0', { unsigned: true }));
  const { exitCode, json } = await run('--resign-key', keyFile);
  t.is(exitCode, 3);
  t.deepEqual(
    json.report.failed.map((one) => `${one.label} ${one.code}`),
    ['other-1.0.0 SIGNATURE_REFUSED'],
  );
  t.throws(() => readFileSync(join(to, 'other-1.0.0.zip')));
});

test('a key that is named without the wish to strip is refused', async (t) => {
  const { run, folder, upstream, keyFile } = await setUp(t);
  writeDefinition(folder, upstream.address);
  const { exitCode, stderr } = await run('--resign-key', keyFile);
  t.is(exitCode, 2);
  t.regex(stderr, /sign --resign/);
});
