import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createVerifyVerb } from '../../src/cli/verify.ts';
import { readLockedArchives } from '../../src/cli/locked-archives.ts';
import { openOrCreateDepot } from '../../src/depot/depot.ts';
import { parseLockFile } from '../../src/mirror/record/lock-file.ts';
import type { LockedPackage } from '../../src/mirror/record/locked-package.ts';
import { writeSiteKey } from '../../src/signing/site-key-files.ts';
import type { VerifiedItem } from '../../src/signing/verified-archive.ts';
import { openGnupg } from '../signing/gnupg.ts';
import { runVerb } from './verb-run.ts';
import { generateSiteKey } from '../../src/signing/site-key.ts';
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

const verifyVerb = createVerifyVerb({ checkArchive: async () => {}, readLock: readLockedArchives });

interface Scene {
  readonly upstream: FakeUpstream;
  readonly folder: string;
  readonly to: string;
  readonly keyFile: string;
  run(...words: string[]): Promise<SyncRun>;
  locked(): readonly LockedPackage[];
}

const setUp = async (t: ExecutionContext): Promise<Scene> => {
  const upstream = await startUpstream(t);
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

test('a readme that shows a screenshot shows its words instead, and the archive is the same each time', async (t) => {
  const { run, to, keyFile, folder, upstream, locked } = await setUp(t);
  const readme = (image: string): string => `# Shown\n\n${image}\n\n![Logo](../img/logo.svg) \u2603\n`;
  const files = { 'docs/README.md': readme('![The board](../img/shot.png)'), 'img/shot.png': 'PNG' };
  const manifest = { screenshots: [{ src: '/img/shot.png', title: 'Shot' }] };
  const made = join(folder, 'made');
  const zip = await readFile(await writeZipPackage(made, { name: 'read', manifest, files }));
  upstream.offer({ name: 'read', version: '1.0.0', zip, signature: await publisher.sign(zip) });
  t.is((await run('--resign-key', keyFile)).exitCode, 0);
  const after = await readZip(join(to, 'read-1.0.0.zip'));
  t.is(after.get('read-1.0.0/docs/README.md')?.toString(), readme('The board'));
  t.false(after.has('read-1.0.0/img/shot.png'));
  const first = locked().map(({ sha256 }) => sha256);
  await rm(to, { recursive: true });
  await run('--resign-key', keyFile);
  t.deepEqual(
    locked().map(({ sha256 }) => sha256),
    first,
  );
});

test('a set that was stripped is not made again from a server that has it stripped, and the way out is told', async (t) => {
  const { run, to, folder, keyFile } = await setUp(t);
  await run('--resign-key', keyFile);
  const server = await startServer({ packagePaths: [to], flags: { 'signature-policy': 'off' } });
  t.teardown(() => server.close());
  await server.app.ready;
  const lock = join(to, 'distribution.lock');
  const words = ['--locked', '--lock', lock, '--address', server.url, '--resign-key', keyFile];
  const { exitCode, json } = await run(...words, '--to', join(folder, 'again'));
  t.is(exitCode, 1);
  t.is(json.report.failed.length, 2);
  for (const { code, reason } of json.report.failed) {
    t.is(code, 'ARCHIVE_MISMATCH');
    t.regex(reason, /has it as the set was made.*`fleet-depot bundle create`.*--address/);
  }
});

test('the signature that a package came with stays beside it, fits the archive that it came as, and `verify` tells of it', async (t) => {
  const { run, to, keyFile, folder, locked } = await setUp(t);
  await run('--resign-key', keyFile);
  const gnupg = await openGnupg(t);
  await gnupg?.importKey(publisher.publicKey);
  for (const { name, original } of locked()) {
    const kept = await readFile(join(to, `${name}-1.0.0.zip.sig.orig`), 'utf8');
    const came = await readFile(join(folder, 'made', `${name}-1.0.0.zip`));
    t.is(original?.sha256, createHash('sha256').update(came).digest('hex'));
    t.is(original?.signature?.sha256, createHash('sha256').update(kept).digest('hex'));
    if (gnupg !== undefined) {
      t.true((await gnupg.verify(came, kept)).ok);
    }
  }
  const keyring = join(folder, 'keyring.asc');
  await writeFile(keyring, siteKey.publicKey + publisher.publicKey);
  const verify = async (): Promise<VerifiedItem[]> => {
    const { stdout } = await runVerb(verifyVerb, [to, '--keyring', keyring, '--json']);
    return (JSON.parse(stdout) as { readonly items: VerifiedItem[] }).items;
  };
  const [plain, shown] = await verify();
  t.true(plain?.ok);
  t.deepEqual(plain?.original, { state: 'good', signer: publisher.fingerprint });
  t.true(shown?.ok);
  const sha256 = locked().find(({ name }) => name === 'shown')?.original?.sha256;
  t.deepEqual(shown?.original, { state: 'kept', signer: publisher.fingerprint, ...(sha256 && { sha256 }) });

  const told = await runVerb(verifyVerb, [to, '--keyring', keyring]);
  t.regex(told.stdout, /1 changed and signed anew/);
  await writeFile(join(to, 'shown-1.0.0.zip.sig.orig'), await readFile(join(to, 'plain-1.0.0.zip.sig.orig')));
  await rm(join(to, 'plain-1.0.0.zip.sig.orig'));
  t.deepEqual(
    (await verify()).map(({ ok, original }) => [ok, original?.state]),
    [
      [false, 'lost'],
      [false, 'differs'],
    ],
  );
  const again = await run('--resign-key', keyFile);
  t.is(again.json.report.fetched.length, 1, 'what lost its original signature is fetched again');
});

test('into a depot the original signatures come along, and go with their packages', async (t) => {
  const { run, folder, keyFile, upstream } = await setUp(t);
  const root = join(folder, 'depot');
  await openOrCreateDepot(root, { clock: () => new Date(), user: () => 'alice' });
  const words = ['--to', root, '--resign-key', keyFile];
  const first = await run(...words);
  t.is(first.exitCode, 0, first.stderr);
  const originals = (): string[] =>
    readdirSync(join(root, 'current')).filter((name) => name.endsWith('.sig.orig'));
  t.deepEqual(originals(), ['plain-1.0.0.zip.sig.orig', 'shown-1.0.0.zip.sig.orig']);
  const again = await run(...words);
  t.deepEqual(again.json.report.fetched, []);
  writeDefinition(folder, upstream.address, 'queries:\n  - package: plain\n');
  t.is((await run('--to', root, '--prune')).exitCode, 0);
  t.deepEqual(originals(), []);
});

test('without the wish, a stripped package is fetched as it is', async (t) => {
  const { run, to, folder, keyFile, upstream, locked } = await setUp(t);
  await run('--resign-key', keyFile);
  writeDefinition(folder, upstream.address);
  const { exitCode, json } = await run();
  t.is(exitCode, 0);
  t.is(json.report.fetched.length, 2);
  t.true(locked().every((one) => one.original === undefined && one.signer === publisher.fingerprint));
  t.deepEqual(
    readdirSync(to).filter((name) => name.endsWith('.orig')),
    [],
  );
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
