import test from 'ava';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createBundleTools, checkBundle } from '../../src/cli/bundle-tools.ts';
import { createBundleVerb } from '../../src/cli/bundle.ts';
import { createKeyring } from '../../src/signing/keyring.ts';
import { readPublicKeys } from '../../src/signing/public-key.ts';
import { generateSiteKey, writeSiteKey, type SiteKey } from '../../src/signing/site-key.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verify.ts';
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
  await trust(path.join(depot, 'keys'), key);
  const taken = await bundle('import', file, '--into', depot);
  t.is(taken.exitCode, 0, taken.error?.message);
  t.regex(taken.stdout, new RegExp(`is current \\(signed by ${key.fingerprint}`));
  t.is((await bundle('verify', file)).error?.code, 'BUNDLE_UNTRUSTED', "the user's keyring has no key");
  t.is((await bundle('verify', file, '--depot', depot)).exitCode, 0);
  await trust(site.at('ring'), key);
  t.is((await bundle('verify', file, '--keyring', site.at('ring'))).exitCode, 0);
});

test('list and page of two bundles of the same files are the same, whatever the signature', async (t) => {
  const { site, bundle } = await desk(t);
  for (const name of ['a.tar', 'b.tar']) {
    await bundle('create', '--from', site.at('in'), '--key', site.at('site.key'), '-o', site.at(name));
  }
  for (const entry of ['manifest.json', 'CONTENTS.md']) {
    const [a, b] = ['a.tar', 'b.tar'].map((name) =>
      execFileSync('tar', ['xOf', site.at(name), entry], { encoding: 'utf8' }),
    );
    t.is(a, b, entry);
  }
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
