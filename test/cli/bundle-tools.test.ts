import test from 'ava';
import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createBundleTools } from '../../src/cli/bundle/tools.ts';
import { createBundleVerb } from '../../src/cli/bundle.ts';
import { checkBundle } from '../../src/cli/verify/bundle.ts';
import { checkDepot } from '../../src/cli/verify/depot.ts';
import { createVerifyVerb } from '../../src/cli/verify.ts';
import { openOrCreateDepot } from '../../src/depot/depot.ts';
import { createKeyring } from '../../src/signing/keyring.ts';
import { readPublicKeys } from '../../src/signing/public-key.ts';
import { generateSiteKey, type SiteKey } from '../../src/signing/site-key.ts';
import { writeSiteKey } from '../../src/signing/site-key-files.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { carriedFiles, createBundleSite, type BundleSite } from '../support/bundle-site.ts';
import { runVerb, type VerbRun } from './verb-run.ts';

const nobody = { interactive: false, confirm: async () => false, secret: async () => '' };
const verb = createBundleVerb(createBundleTools(nobody));

const siteKey = async (site: BundleSite, name: string): Promise<SiteKey> => {
  const key = await generateSiteKey({ name, algorithm: 'ed25519', passphrase: 'open sesame' });
  await writeSiteKey(site.at(`${name}.key`), key);
  return key;
};

const desk = async (
  t: import('ava').ExecutionContext,
): Promise<{
  readonly site: BundleSite;
  readonly key: SiteKey;
  readonly bundle: (...args: readonly string[]) => Promise<VerbRun>;
}> => {
  const site = await createBundleSite(t);
  const key = await siteKey(site, 'site');
  await writeFile(site.at('passphrase'), 'open sesame\n');
  await site.folder('in', carriedFiles(2));
  const env = { FLEET_DEPOT_KEY_PASSPHRASE_FILE: site.at('passphrase'), HOME: site.at('home') };
  return { site, key, bundle: (...args) => runVerb(verb, args, { env }) };
};

const trust = async (location: string, key: SiteKey): Promise<void> => {
  for (const one of await readPublicKeys(Buffer.from(key.publicKey), 'key', new Date())) {
    await createKeyring(location).add(one);
  }
};

test('a bundle signed with a site key is taken by a depot whose own keyring has it, and by nobody else', async (t) => {
  const { site, key, bundle } = await desk(t);
  const [file, depot] = [site.at('b.tar'), site.at('depot')];
  const made = await bundle('create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', file);
  t.is(made.exitCode, 0, made.error?.message);
  const refused = await bundle('import', file, '--into', depot);
  t.is(refused.error?.code, 'BUNDLE_UNTRUSTED');
  t.regex(refused.stderr, /the keyring .* is empty/);
  t.true(refused.error?.message.includes(`not in the keyring ${site.at('home')}`), refused.error?.message);
  await trust(path.join(depot, 'keys'), key);
  const taken = await bundle('import', file, '--into', depot);
  t.is(taken.exitCode, 0, taken.error?.message);
  t.regex(taken.stdout, new RegExp(`is current \\(signed by ${key.fingerprint}`));
  t.is((await bundle('verify', file)).error?.code, 'BUNDLE_UNTRUSTED', "the user's keyring has no key");
  t.is((await bundle('verify', file, '--depot', depot)).exitCode, 0);
  await trust(site.at('ring'), key);
  t.is((await bundle('verify', file, '--keyring', site.at('ring'))).exitCode, 0);
});

test('signed bundles of the same files are the same byte for byte, at any time and whatever times the files have', async (t) => {
  const { site, key, bundle } = await desk(t);
  const rsa = await generateSiteKey({ name: 'rsa', algorithm: 'rsa4096', passphrase: 'open sesame' });
  await writeSiteKey(site.at('rsa.key'), rsa);
  const create = async (name: string, keyFile: string, date?: string): Promise<Buffer> => {
    const env = {
      FLEET_DEPOT_KEY_PASSPHRASE_FILE: site.at('passphrase'),
      ...(date === undefined ? {} : { SOURCE_DATE_EPOCH: date }),
    };
    const words = ['create', '--from', site.at('in'), '--key', site.at(keyFile), '-o', site.at(name)];
    const { exitCode, error } = await runVerb(verb, words, { env });
    t.is(exitCode, 0, error?.message);
    return readFile(site.at(name));
  };
  const tomorrow = String(Math.floor(Date.now() / 1000) + 86_400);
  const first = await create('a.tar', 'site.key');
  const firstRsa = await create('ra.tar', 'rsa.key');
  // A signature says seconds: wait until they are others.
  await setTimeout(1100);
  for (const name of await readdir(site.at('in'))) {
    await utimes(site.at(`in/${name}`), new Date('2021-01-01'), new Date('2021-01-01'));
  }
  t.true(first.equals(await create('b.tar', 'site.key')));
  t.true(firstRsa.equals(await create('rb.tar', 'rsa.key')));
  t.true(first.equals(await create('c.tar', 'site.key', '0')), 'never before the key');
  await trust(site.at('ring'), key);
  for (const [name, date] of [
    ['now.tar', String(Math.floor(Date.now() / 1000))],
    ['late.tar', tomorrow],
  ] as const) {
    t.false(first.equals(await create(name, 'site.key', date)));
    t.is((await bundle('verify', site.at(name), '--keyring', site.at('ring'))).exitCode, 0, name);
  }
  const words = ['create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', site.at('x.tar')];
  const wrong = await runVerb(verb, words, { env: { SOURCE_DATE_EPOCH: 'yesterday' } });
  t.regex(wrong.error?.message ?? '', /SOURCE_DATE_EPOCH must be seconds since 1970/);
});

test('gpg confirms the signature over the manifest', async (t) => {
  try {
    execFileSync('gpg', ['--version'], { stdio: 'ignore' });
  } catch {
    t.log('skipped: there is no gpg here');
    t.pass();
    return;
  }
  const { site, key, bundle } = await desk(t);
  await bundle('create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', site.at('b.tar'));
  execFileSync('tar', ['xf', site.at('b.tar'), '-C', site.root]);
  // The sockets of gpg's agent need a short path.
  const home = await mkdtemp('/tmp/fleet-depot-gpg-');
  t.teardown(() => rm(home, { recursive: true, force: true }));
  const gpg = (...args: readonly string[]): string =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--status-fd', '1', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  gpg('--import', site.at('site.pub.asc'));
  t.regex(
    gpg('--verify', site.at('manifest.json.asc'), site.at('manifest.json')),
    new RegExp(`VALIDSIG ${key.fingerprint}`),
  );
});

test('a wrong passphrase makes no bundle', async (t) => {
  const { site, bundle } = await desk(t);
  await writeFile(site.at('wrong'), 'guess');
  const made = await bundle(
    'create',
    '--from',
    site.at('in'),
    '--key',
    site.at('site.key'),
    '--passphrase-file',
    site.at('wrong'),
    '-o',
    site.at('b.tar'),
  );
  t.is(made.error?.code, 'SITE_KEY_LOCKED');
  await t.throwsAsync(readFile(site.at('b.tar')), { code: 'ENOENT' });
});

test('the verb verify gets an item for each file of a bundle, or the reason why it is refused', async (t) => {
  const { site, key, bundle } = await desk(t);
  const stranger = await generateSiteKey({ name: 'stranger', algorithm: 'ed25519' });
  await bundle('create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', site.at('b.tar'));
  await bundle('create', '--from', site.at('in'), '--unsigned', '-o', site.at('none.tar'));
  const good = createVerifier(fixedKeys([key.publicKey]));
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(text);
  const items = await checkBundle(site.at('b.tar'), good, note);
  t.is(items.length, 4);
  t.true(items.every((item) => item.ok && item.signature === 'good' && item.signer === key.fingerprint));
  const judged = async (file: string, verifier = good): Promise<unknown[]> =>
    (await checkBundle(site.at(file), verifier, note)).map((item) => [item.ok, item.archive, item.signature]);
  t.deepEqual(await judged('b.tar', createVerifier(fixedKeys([stranger.publicKey]))), [
    [false, 'unread', 'unknown-key'],
  ]);
  t.deepEqual(await judged('none.tar'), [[false, 'unread', 'missing']]);
  const bytes = await readFile(site.at('b.tar'));
  bytes[bytes.length - 2000] = (bytes[bytes.length - 2000] ?? 0) ^ 1;
  await writeFile(site.at('bad.tar'), bytes);
  t.deepEqual(await judged('bad.tar'), [[false, 'broken', 'unchecked']]);
  t.deepEqual(notes, []);
  const large = await site.folder('large', carriedFiles(4, 100_000));
  const volumes = ['--volume-size', '300KiB', '-o', site.at('v.tar')];
  await bundle('create', '--from', large, '--key', site.at('site.key'), ...volumes);
  t.true((await judged('v.tar.001')).every((item) => (item as boolean[])[0] === true));
  t.regex(notes.join(), /v\.tar\.001 is volume 1 of \d+: only its own files were checked/);
});

test('the verb verify looks at the journal of a depot, too, and says which line was changed', async (t) => {
  const { site, key, bundle } = await desk(t);
  const depot = site.at('depot');
  await trust(path.join(depot, 'keys'), key);
  await bundle('create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', site.at('b.tar'));
  await bundle('import', site.at('b.tar'), '--into', depot);
  const verifyVerb = createVerifyVerb({ checkArchive: async () => undefined, verifyDepot: checkDepot });
  const run = (): Promise<VerbRun> =>
    runVerb(verifyVerb, ['--no-signatures', depot], { env: { HOME: site.at('home') } });
  t.is((await run()).exitCode, 0);
  const journal = path.join(depot, 'journal.jsonl');
  const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n');
  await writeFile(journal, `${lines.slice(0, -1).join('\n')}\n`);
  const { exitCode, stdout } = await run();
  t.is(exitCode, 3);
  t.regex(stdout, /journal\.jsonl +broken .* line 3: it is lost or cut; it was the last one/);
});

test('the verb verify holds the current snapshot of a depot against its record', async (t) => {
  const { site, key, bundle } = await desk(t);
  const depot = site.at('depot');
  await trust(path.join(depot, 'keys'), key);
  await bundle('create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', site.at('b.tar'));
  const verifyVerb = createVerifyVerb({ checkArchive: async () => undefined, verifyDepot: checkDepot });
  const run = (): Promise<VerbRun> =>
    runVerb(verifyVerb, ['--no-signatures', depot], { env: { HOME: site.at('home') } });
  await openOrCreateDepot(depot, site.environment);
  const empty = await run();
  t.is(empty.exitCode, 1);
  t.regex(empty.stdout, /current +absent .* the depot has no snapshot in force yet/);

  await bundle('import', site.at('b.tar'), '--into', depot);
  t.is((await run()).exitCode, 0);
  const current = path.join(depot, 'current');
  const [one = '', two = ''] = (await readdir(current)).toSorted();
  await chmod(path.join(current, one), 0o644);
  await appendFile(path.join(current, one), 'x');
  await rm(path.join(current, two));
  await writeFile(path.join(current, 'foreign-1.0.0.zip'), 'foreign');
  const { exitCode, stdout } = await run();
  t.is(exitCode, 3);
  t.regex(stdout, new RegExp(`${one} +broken .* its SHA-256 is [0-9a-f]{64} instead of`));
  t.regex(stdout, new RegExp(`${two} +absent .* it is missing`));
  t.regex(stdout, /foreign-1\.0\.0\.zip +unread .* it does not belong to the snapshot/);
});
