import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { resignArchive } from '../../src/signing/archive-signing.ts';
import { inspectStanding } from '../../src/signing/archive-standing.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { openGnupg } from '../signing/gnupg.ts';
import { makeKey, signWith } from '../signing/made-keys.ts';
import { get, getJson } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createPublisher, type Publisher } from '../support/signed-packages.ts';

const [site, vendor, stranger] = await Promise.all([createPublisher(), createPublisher(), createPublisher()]);

const sign = async (archive: string, by: Publisher): Promise<void> =>
  writeFile(`${archive}.sig`, await by.sign(await readFile(archive)));

/** Packages that differ in their signature alone: each has the name of what it is. */
const fill = async (root: string): Promise<void> => {
  const zip = (name: string): Promise<string> => writeZipPackage(root, { name });
  await sign(await zip('by_site'), site);
  await sign(await zip('by_vendor'), vendor);
  await sign(await zip('by_stranger'), stranger);
  await zip('unsigned');
  const tampered = await zip('tampered');
  await writeFile(`${tampered}.sig`, await site.sign(Buffer.from('other bytes')));
  await writeFile(`${await zip('no_armor')}.sig`, '<html>404</html>');
  await writeFolderPackage(root, { name: 'folder' });
  const resigned = await zip('resigned');
  await sign(resigned, vendor);
  const judges = {
    site: createVerifier(fixedKeys([site.publicKey])),
    keyring: createVerifier(fixedKeys([vendor.publicKey])),
  };
  const standing = await inspectStanding(resigned, judges);
  if (standing.state !== 'vouched') {
    throw new Error(standing.state);
  }
  const signer = {
    fingerprint: site.fingerprint,
    publicKey: site.publicKey,
    sign: async () => site.sign(await readFile(resigned)),
  };
  await resignArchive(standing, signer, judges);
};

interface Scene {
  readonly root: string;
  readonly keyring: string;
  start(flags: Readonly<Record<string, string>>): Promise<TestServer>;
}

const setUp = async (t: ExecutionContext, more: Readonly<Record<string, string>> = {}): Promise<Scene> => {
  const root = await scratch(t);
  await fill(root);
  const keyring = join(await scratch(t), 'keys.asc');
  await writeFile(keyring, site.publicKey + vendor.publicKey);
  return {
    root,
    keyring,
    async start(flags) {
      const server = await startServer({ packagePaths: [root], flags: { keyring, ...more, ...flags } });
      t.teardown(() => server.close());
      return server;
    },
  };
};

/** What is served: names, those whose signature is shown with a `+`. */
const shown = async (t: ExecutionContext, { url }: TestServer): Promise<string[]> => {
  const items = await getJson<readonly { readonly name: string; readonly signature_path?: string }[]>(
    url,
    '/search',
  );
  for (const { name, signature_path: path } of items) {
    t.is((await get(url, `/epr/${name}/${name}-1.0.0.zip.sig`)).status, path === undefined ? 404 : 200, name);
    t.is((await get(url, `/epr/${name}/${name}-1.0.0.zip`)).status, 200, name);
    const info = await getJson<{ readonly signature_path?: string }>(url, `/package/${name}/1.0.0/`);
    t.is(info.signature_path, path, name);
  }
  return items.map(({ name, signature_path: path }) => (path === undefined ? name : `${name}+`)).toSorted();
};

/** Names only, since what is served may change between two requests. */
const served = async ({ url }: TestServer): Promise<string> =>
  (await getJson<readonly { readonly name: string }[]>(url, '/search'))
    .map(({ name }) => name)
    .toSorted()
    .join();

/** What was written just now stays served for some looks, since it may be half a copy: so there may be more than one. */
const looked = (server: TestServer, wanted: string): Promise<void> =>
  eventually(`${wanted} alone is served`, async () => {
    await server.app.refresh();
    return (await served(server)) === wanted;
  });

const quarantined = async ({ app }: TestServer): Promise<Record<string, string>> =>
  Object.fromEntries((await app.ready).quarantine.map(({ label, reasons }) => [label, reasons.join('; ')]));

test('verified: only what a key of the keyring signed is served, the others say why they are not', async (t) => {
  const { start } = await setUp(t);
  const server = await start({ 'signature-policy': 'verified' });
  t.deepEqual(await shown(t, server), ['by_site+', 'by_vendor+', 'resigned+']);
  const reasons = await quarantined(server);
  const why = (name: string): string =>
    Object.entries(reasons).find(([label]) => label.includes(name))?.[1] ?? 'not in quarantine';
  t.is(why('unsigned'), 'it has no signature, and -signature-policy is verified');
  t.is(why('folder'), why('unsigned'));
  t.is(why('no_armor'), 'its .sig file is no ASCII-armored OpenPGP signature (-signature-policy)');
  t.regex(why('tampered'), /^signature bad: /);
  t.regex(why('by_stranger'), /^signature unknown-key: signed by [0-9A-F]+, which is not in the keyring/);
  t.true(why('by_stranger').includes(stranger.fingerprint.slice(-16)), why('by_stranger'));
  t.is(Object.keys(reasons).length, 5);
});

test('verified with foreign signatures hidden: only those by the key that Kibana trusts are shown', async (t) => {
  const { start } = await setUp(t);
  const flags = { 'signature-policy': 'verified', 'foreign-signatures': 'hide' };
  t.deepEqual(await shown(t, await start({ ...flags, 'kibana-key': site.fingerprint })), [
    'by_site+',
    'by_vendor',
    'resigned+',
  ]);
  t.deepEqual(await shown(t, await start({ ...flags, 'kibana-key': vendor.fingerprint })), [
    'by_site',
    'by_vendor+',
    'resigned',
  ]);
});

test('present: an archive needs an armored signature by anybody; a folder can have none and is served', async (t) => {
  const { start } = await setUp(t);
  const server = await start({ 'signature-policy': 'present' });
  t.deepEqual(await shown(t, server), [
    'by_site+',
    'by_stranger+',
    'by_vendor+',
    'folder',
    'resigned+',
    'tampered+',
  ]);
  t.deepEqual(Object.values(await quarantined(server)).toSorted(), [
    'it has no signature, and -require-package-signatures is on (-signature-policy)',
    'its .sig file is no ASCII-armored OpenPGP signature (-signature-policy)',
  ]);
  const rule = await start({ 'require-package-signatures': 'true' });
  t.deepEqual(await shown(t, rule), await shown(t, server));
});

test('off: everything is served, and signatures by another key than Kibana’s are shown or hidden', async (t) => {
  const { start } = await setUp(t);
  const flags = { 'signature-policy': 'off', 'kibana-key': site.fingerprint };
  const rest = ['folder', 'no_armor'];
  t.deepEqual(await shown(t, await start({ ...flags, 'foreign-signatures': 'serve' })), [
    'by_site+',
    'by_stranger+',
    'by_vendor+',
    ...rest,
    'resigned+',
    'tampered+',
    'unsigned',
  ]);
  t.deepEqual(await shown(t, await start({ ...flags, 'foreign-signatures': 'hide' })), [
    'by_site+',
    'by_stranger',
    'by_vendor',
    ...rest,
    'resigned+',
    'tampered+',
    'unsigned',
  ]);
  // Without a word on Kibana's key it is Elastic's, and none here is by that.
  const { start: plainly } = await setUp(t);
  const names = (await shown(t, await plainly({ 'foreign-signatures': 'hide' }))).filter((name) =>
    name.endsWith('+'),
  );
  t.deepEqual(names, []);
});

test('the policy goes before -require-package-signatures', async (t) => {
  const { start } = await setUp(t);
  const server = await start({ 'signature-policy': 'off', 'require-package-signatures': 'true' });
  t.true((await shown(t, server)).includes('unsigned'));
});

test('a key that joins or leaves the keyring counts at the next start, though the index is kept', async (t) => {
  const cache = await scratch(t);
  const { start, keyring } = await setUp(t, { 'cache-dir': cache, 'signature-policy': 'verified' });
  const first = await start({});
  t.deepEqual(await shown(t, first), ['by_site+', 'by_vendor+', 'resigned+']);
  await first.app.close();
  await writeFile(keyring, stranger.publicKey);
  const second = await start({});
  t.deepEqual(await shown(t, second), ['by_stranger+']);
  await second.app.close();
  await writeFile(keyring, site.publicKey + vendor.publicKey);
  t.deepEqual(await shown(t, await start({})), ['by_site+', 'by_vendor+', 'resigned+']);
});

test('verified: a key that joins or leaves the keyring while the server runs counts from the next look on', async (t) => {
  const { start, keyring } = await setUp(t, { 'signature-policy': 'verified', 'poll-interval': '0' });
  const server = await start({ 'package-paths-enable-watcher': 'false' });
  t.deepEqual(await shown(t, server), ['by_site+', 'by_vendor+', 'resigned+']);
  await writeFile(keyring, vendor.publicKey);
  await looked(server, 'by_vendor');
  t.true(server.lines.some(({ fields }) => fields['event.action'] === 'keyring-changed'));
  await writeFile(keyring, vendor.publicKey + stranger.publicKey);
  await looked(server, 'by_stranger,by_vendor');
});

test('verified: a signature or key that ends while the server runs takes its package away, one that begins brings it', async (t) => {
  const root = await scratch(t);
  const keyring = join(await scratch(t), 'keys.asc');
  const soon = new Date(Date.now() + 5000);
  const lasting = await makeKey();
  const early = await makeKey({ date: soon });
  const ending = await makeKey({ keyExpirationTime: 5 });
  const gnupg = await openGnupg(t);
  const gnupgKey = await gnupg?.generate('ends@example.org', 'ed25519');
  await writeFile(
    keyring,
    [lasting, early, ending].map(({ armored }) => armored).join('') + (gnupgKey ?? ''),
  );
  const write = async (name: string, signed: (archive: Buffer) => Promise<string>): Promise<void> => {
    const archive = await writeZipPackage(root, { name });
    await writeFile(`${archive}.sig`, await signed(await readFile(archive)));
    // What was written just now is looked at again in any case.
    const before = new Date(Date.now() - 86_400_000);
    await utimes(archive, before, before);
    await utimes(`${archive}.sig`, before, before);
  };
  await write('lasting', (archive) => signWith(lasting, archive));
  await write('key_ends', (archive) => signWith(ending, archive));
  await write('key_begins', (archive) => signWith(early, archive, { date: soon }));
  await write('signed_early', (archive) => signWith(lasting, archive, { date: soon }));
  if (gnupg) {
    const ends = ['--default-sig-expire', 'seconds=5'];
    await write('signature_ends', (archive) => gnupg.sign('ends@example.org', archive, ...ends));
  }
  const server = await startServer({
    packagePaths: [root],
    flags: {
      keyring,
      'signature-policy': 'verified',
      'poll-interval': '0',
      'package-paths-enable-watcher': 'false',
    },
  });
  t.teardown(() => server.close());
  await eventually(
    'the last edge is over',
    async () => (await served(server)) === 'key_begins,lasting,signed_early',
  );
  const said = server.lines.map(({ message }) => message).join('\n');
  t.regex(said, /key_ends\S*: signature expired-key: key [0-9A-F]{40} expired on 20\S+Z/);
  t.regex(
    said,
    gnupg ? /signature_ends\S*: signature expired-signature: the signature itself expired on 20/ : /./,
  );
});

test('verified: a keyring that is broken while the server runs leaves what is served, and health says so', async (t) => {
  const { start, keyring } = await setUp(t, { 'signature-policy': 'verified', 'poll-interval': '0' });
  const server = await start({ 'package-paths-enable-watcher': 'false' });
  await writeFile(keyring, 'no key at all');
  await t.throwsAsync(server.app.refresh(), { code: 'KEY_INVALID' });
  t.deepEqual(await shown(t, server), ['by_site+', 'by_vendor+', 'resigned+']);
  t.regex(JSON.stringify(await getJson(server.url, '/health')), /no OpenPGP public key in it/);
  await writeFile(keyring, site.publicKey);
  await looked(server, 'by_site,resigned');
});

test('verified: the watcher sees a keyring that changes', async (t) => {
  const { start, keyring } = await setUp(t, { 'signature-policy': 'verified', 'poll-interval': '0' });
  const server = await start({ 'package-paths-enable-watcher': 'true' });
  await eventually('the watcher has looked', async () => {
    await writeFile(keyring, vendor.publicKey);
    return (await served(server)) === 'by_vendor';
  });
  t.pass();
});

test('verified with a keyring that is not there serves nothing and says what to do', async (t) => {
  const { start, root } = await setUp(t);
  const server = await start({ 'signature-policy': 'verified', keyring: join(root, 'nowhere') });
  t.deepEqual(await shown(t, server), []);
  const said = server.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  t.true(
    said.some(
      (message) => message.includes(join(root, 'nowhere')) && message.includes('fleet-depot keys add'),
    ),
    said.join('\n'),
  );
  t.true(
    said.some((message) => message.includes('8 packages, all in quarantine')),
    said.join('\n'),
  );
});
