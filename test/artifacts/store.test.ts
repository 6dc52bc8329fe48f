import {
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openDigestMemory } from '../../src/artifacts/digest-memory.ts';
import { readKey, reformatKey, revokeKey, type SecretKeyPacket } from 'openpgp';
import { openGnupg } from '../signing/gnupg.ts';
import { makeKey, signWith } from '../signing/made-keys.ts';
import { openStore } from '../support/artifact-store.ts';
import { eventually } from '../support/eventually.ts';
import { agentPath, artifactBytes, makeRelease, sha512Line } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';

const path = agentPath('9.2.1');
const asked = `/downloads/${path}`;

test('a whole artifact is good, with its digest and its signer', async (t) => {
  const release = await makeRelease(await scratch(t));
  const content = await release.add(path);
  const store = await openStore(t, release);
  const found = store.find(asked);
  t.is(found?.state, 'good');
  t.is(found?.signedBy, release.key.fingerprint);
  t.is(sha512Line(path, content).startsWith(found?.digest ?? '-'), true);
  t.deepEqual(
    ['.sha512', '.asc'].map((end) => store.stateOf(asked + end)),
    ['good', 'good'],
  );
  t.deepEqual(
    store.log.lines.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
});

test('each fault of an artifact is found before an agent finds it', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const stranger = await makeKey();
  const expired = await makeKey({ date: new Date(Date.now() - 86_400_000 * 10), keyExpirationTime: 86_400 });
  await writeFile(join(release.keys, 'expired.asc'), expired.armored);
  const revoked = await makeKey();
  const revocation = await revokeKey({ key: revoked.privateKey, format: 'object' });
  await writeFile(join(release.keys, 'revoked.asc'), revocation.publicKey.armor());
  const content = artifactBytes(path);
  const signature = await signWith(release.key, content);
  const base = async (): Promise<void> => {
    await release.put(path, content);
    await release.put(`${path}.sha512`, sha512Line(path, content));
    await release.put(`${path}.asc`, signature);
  };
  const digestLine = sha512Line(path, content);
  const binary = Buffer.from(
    signature.split('\n\n')[1]?.replace(/=\S{4}\s*-----END[^]*$/, '') ?? '',
    'base64',
  );
  const cases: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    [
      'upper case',
      () =>
        release.put(
          `${path}.sha512`,
          digestLine.replace(/^\w+/, (hex) => hex.toUpperCase()),
        ),
      /upper case/,
    ],
    [
      'path prefix',
      () => release.put(`${path}.sha512`, digestLine.replace('  ', '  beats/')),
      /bare file name/,
    ],
    ['hash only', () => release.put(`${path}.sha512`, digestLine.split(' ')[0] ?? ''), /only the digest/],
    [
      'wrong name',
      () => release.put(`${path}.sha512`, digestLine.replace('9.2.1', '9.2.0')),
      /does not name/,
    ],
    ['CRLF', () => release.put(`${path}.sha512`, digestLine.replace('\n', '\r\n')), /CRLF/],
    ['no sha512', () => rm(join(release.artifacts, 'downloads', `${path}.sha512`)), /has no \.sha512/],
    ['no asc', () => rm(join(release.artifacts, 'downloads', `${path}.asc`)), /has no \.asc/],
    [
      'asc of another file',
      async () => release.put(`${path}.asc`, await signWith(release.key, Buffer.from('other'))),
      /not what was signed/,
    ],
    [
      'asc by a stranger',
      async () => release.put(`${path}.asc`, await signWith(stranger, content)),
      /not in the keyring of -keys-path/,
    ],
    [
      'asc by an expired key',
      async () =>
        release.put(
          `${path}.asc`,
          await signWith(expired, content, { date: new Date(Date.now() - 86_400_000 * 9.5) }),
        ),
      /agents would refuse: key [0-9A-F]{40} expired on .* \(signed on /,
    ],
    [
      'asc by a revoked key',
      async () => release.put(`${path}.asc`, await signWith(revoked, content)),
      /agents would refuse: key [0-9A-F]{40} was revoked/,
    ],
    ['binary asc', () => release.put(`${path}.asc`, binary), /binary \.asc/],
    ['HTML as asc', () => release.put(`${path}.asc`, '<html>login</html>'), /no ASCII-armored/],
    ['HTML as tarball', () => release.put(path, '<!DOCTYPE html><html>login</html>'), /web page/],
    ['empty tarball', () => release.put(path, ''), /is empty/],
    [
      'truncated',
      () => truncate(join(release.artifacts, 'downloads', path), 1000),
      /another content than its \.sha512 says: 1000 bytes/,
    ],
    ['another version', () => release.put(path, artifactBytes(path)), /another content/],
  ];
  await base();
  const store = await openStore(t, release);
  for (const [title, spoil, reason] of cases) {
    await base();
    await spoil();
    await store.rescan();
    t.is(store.find(asked)?.state, 'quarantined', title);
    t.regex(store.find(asked)?.reasons.join('; ') ?? '', reason, title);
    const side = store.find(`${asked}.sha512`) ?? store.find(`${asked}.asc`);
    t.is(side?.state, 'quarantined', title);
    t.false(side !== undefined && store.isServed(side));
  }
  await base();
  await store.rescan();
  t.is(store.find(asked)?.state, 'good', 'repaired, it is served again');
  t.true(
    store.log.lines.some(({ message }) => message.includes('clients get 503 for five seconds and 404 then')),
  );
});

test('what was good is passing trouble for a moment while a new one is copied over it, and then refused', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  let now = 0;
  // The clock of the wall is set back all the time.
  const store = await openStore(t, release, { steady: () => now, now: () => 1.8e12 - 1000 * now });
  const awaited = (): readonly (boolean | undefined)[] =>
    [asked, `${asked}.sha512`].map((one) => {
      const found = store.find(one);
      return found && found.state === 'quarantined' && store.isAwaited(found);
    });
  await release.put(path, '');
  await store.rescan();
  t.deepEqual(awaited(), [true, true], 'cp has cut the old one');
  const renewed = artifactBytes(path);
  await release.put(path, renewed);
  await store.rescan();
  t.regex(store.stateOf(asked) ?? '', /^quarantined: has another content/);
  t.deepEqual(awaited(), [true, true], 'its .sha512 is still the old one');
  t.true(
    store.log.lines.some(({ message }) => /clients get 503 for five seconds and 404 then/.test(message)),
  );
  now += 4000;
  await store.rescan();
  t.deepEqual(awaited(), [true, true]);
  now += 2000;
  t.deepEqual(awaited(), [false, false], 'without another look');
  await store.rescan();
  t.deepEqual(awaited(), [false, false], 'and it stays so');
  await release.add(path, renewed);
  await store.rescan();
  t.is(store.stateOf(asked), 'good');
  await release.put(`${path}.asc`, await signWith(release.key, Buffer.from('other')));
  await store.rescan();
  t.deepEqual(awaited(), [true, true], 'good again, it has another moment');
});

test('a digest that comes a moment after its file is noticed at once, not at the next look of the clock', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const store = await openStore(t, release, { interval: 3_600_000 });
  const renewed = artifactBytes(path);
  await release.put(path, renewed);
  await store.rescan();
  t.is(store.find(asked)?.state, 'quarantined');
  await release.add(path, renewed);
  await eventually('the file is good', () => store.stateOf(asked) === 'good');
  t.is(store.stateOf(asked), 'good');
});

test('a signature with an end of its own counts until then, without any change and without another reading', async (t) => {
  const gnupg = await openGnupg(t);
  if (gnupg === undefined) {
    t.pass();
    return;
  }
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const content = await release.add(path);
  await writeFile(join(release.keys, 'gpg.asc'), await gnupg.generate('gpg@example.org', 'rsa2048'));
  await release.put(
    `${path}.asc`,
    await gnupg.sign('gpg@example.org', content, '--default-sig-expire', '2d'),
  );
  let now = Date.now();
  const memory = await openDigestMemory(join(folder, 'cache'), 'site');
  let found = 0;
  const counting = {
    ...memory,
    set: (...entry: readonly [string, string, string]) => ((found += 1), memory.set(...entry)),
  };
  const store = await openStore(t, release, { now: () => now, memory: counting });
  t.is(store.stateOf(asked), 'good');
  found = 0;
  now += 86_400_000;
  await store.rescan();
  t.is(store.stateOf(asked), 'good');
  now += 86_400_000;
  await store.rescan();
  t.regex(store.stateOf(asked) ?? '', /^quarantined: .*the signature itself expired on 20/);
  const again = await openStore(t, release, {
    now: () => now,
    memory: await openDigestMemory(join(folder, 'cache'), 'site'),
  });
  t.regex(again.stateOf(asked) ?? '', /expired/, 'after a restart, too');
  t.is(found, 0);
});

test('an artifact whose key ends counts until then, without any change', async (t) => {
  const release = await makeRelease(await scratch(t));
  const content = await release.add(path);
  const ending = await makeKey({ keyExpirationTime: 4 });
  await writeFile(join(release.keys, 'ending.asc'), ending.armored);
  await release.put(`${path}.asc`, await signWith(ending, content));
  const store = await openStore(t, release);
  await eventually('its key has ended', async () => {
    await store.rescan();
    return /^quarantined: .* expired on 20/.test(store.stateOf(asked) ?? '');
  });
  t.pass();
});

test('what was never good is refused at once', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  await release.put(path, artifactBytes(path));
  const store = await openStore(t, release);
  const found = store.find(asked);
  t.is(found?.state, 'quarantined');
  t.false(found && store.isAwaited(found));
  t.true(store.log.lines.some(({ message }) => message.endsWith('clients get 404')));
});

test('a file in the wrong folder and one with another name are kept back', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add('beats/filebeat/elastic-agent-9.2.1-linux-x86_64.tar.gz');
  await release.add('fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz');
  await release.put('beats/elastic-agent/index.html', '<html></html>');
  await release.put('beats/elastic-agent/x-1.0.0-linux-x86_64.tar.gz.asc', 'alone');
  const store = await openStore(t, release);
  t.regex(
    store.stateOf('/downloads/beats/filebeat/elastic-agent-9.2.1-linux-x86_64.tar.gz') ?? '',
    /does not belong into beats\/filebeat\/, where agents look for filebeat/,
  );
  t.regex(store.stateOf('/downloads/beats/elastic-agent/index.html') ?? '', /no name of the form/);
  t.regex(
    store.stateOf('/downloads/beats/elastic-agent/x-1.0.0-linux-x86_64.tar.gz.asc') ?? '',
    /no artifact beside/,
  );
  t.is(store.stateOf('/downloads/fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz'), 'good');
});

test('without trusted keys signatures are checked for their form, and the log says so', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const store = await openStore(t, { artifacts: release.artifacts });
  t.is(store.find(asked)?.state, 'good');
  t.regex(store.find(asked)?.warnings.join() ?? '', /was not verified: there is no trusted key/);
});

test('a key that comes later is used at the next look', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const keyFile = join(release.keys, 'GPG-KEY-elastic-agent');
  const other = await makeKey();
  await writeFile(keyFile, other.armored);
  const store = await openStore(t, release);
  t.is(store.find(asked)?.state, 'quarantined');
  await writeFile(keyFile, release.key.armored);
  await store.rescan();
  t.is(store.find(asked)?.state, 'good');
});

test('a further key sends nobody away while signatures are verified again; a key that is taken away does', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const store = await openStore(t, release);
  await writeFile(join(release.keys, 'further.asc'), (await makeKey()).armored);
  await store.refresh();
  t.is(store.find(asked)?.state, 'good');
  t.is(store.report().trusted_keys, 2);
  await rm(join(release.keys, 'GPG-KEY-elastic-agent'));
  await store.rescan();
  t.regex(store.stateOf(asked) ?? '', /quarantined: .*not in the keyring/);
});

test('a key that was prolonged or revoked counts as its newest copy says', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const store = await openStore(t, release);
  const revoked = await revokeKey({ key: release.key.privateKey, format: 'object' });
  await writeFile(join(release.keys, 'a-newer-copy.asc'), revoked.publicKey.armor());
  await store.rescan();
  t.regex(store.stateOf(asked) ?? '', /was revoked/);
  const prolonged = await reformatKey({
    privateKey: release.key.privateKey,
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    keyExpirationTime: 86_400 * 365,
    format: 'object',
  });
  await writeFile(join(release.keys, 'a-newer-copy.asc'), prolonged.publicKey.armor());
  await store.rescan();
  t.is(store.stateOf(asked), 'good');
});

test('a key in two files counts as both say together: a subkey that is in one, its revocation in the other', async (t) => {
  const release = await makeRelease(await scratch(t));
  const content = await release.add(path);
  const owner = await makeKey({ subkeys: [{ sign: true }] });
  const old = await readKey({ armoredKey: owner.armored });
  old.subkeys = [];
  await writeFile(join(release.keys, 'GPG-KEY-elastic-agent'), old.armor());
  await writeFile(join(release.keys, 'newer.asc'), owner.armored);
  await release.put(`${path}.asc`, await signWith(owner, content));
  const store = await openStore(t, release);
  t.is(store.stateOf(asked), 'good');
  t.is(store.report().trusted_keys, 1);
  const { privateKey } = owner;
  const [subkey] = privateKey.subkeys;
  const revoked = await subkey?.revoke(privateKey.keyPacket as SecretKeyPacket);
  privateKey.subkeys = revoked ? [revoked] : [];
  await writeFile(join(release.keys, 'GPG-KEY-elastic-agent'), privateKey.toPublic().armor());
  await store.rescan();
  t.regex(store.stateOf(asked) ?? '', /was revoked/);
});

test('deb, rpm and msi need no signature, as no agent asks for them', async (t) => {
  const release = await makeRelease(await scratch(t));
  const deb = agentPath('9.2.1', 'amd64.deb');
  await release.add(deb);
  await rm(join(release.artifacts, 'downloads', `${deb}.asc`));
  const store = await openStore(t, release);
  t.is(store.find(`/downloads/${deb}`)?.state, 'good');
  t.deepEqual(store.find(`/downloads/${deb}`)?.warnings, ['has no .asc beside it']);
});

test('lenient serves what is in quarantine, but never a key that is none', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  await truncate(join(release.artifacts, 'downloads', path), 1000);
  await writeFile(join(release.keys, 'page.asc'), '<html></html>');
  const store = await openStore(t, release, { policy: 'lenient' });
  const [artifact, key] = [store.find(asked), store.find('/keys/page.asc')];
  t.is(artifact?.state, 'quarantined');
  t.true(artifact !== undefined && store.isServed(artifact));
  t.true(key !== undefined && !store.isServed(key));
});

test('what was read once is remembered over a restart and over hard links, and forgotten with the content', async (t) => {
  const folder = await scratch(t);
  const cache = join(folder, 'cache');
  const release = await makeRelease(folder);
  await release.add(path);
  await openStore(t, release, { memory: await openDigestMemory(cache, 'site') });
  const saved = await readFile(join(cache, (await readdir(cache))[0] ?? ''), 'utf8');
  t.regex(saved, /^fleet-depot digests 1\n\["beats/);
  // A snapshot of hard links has the same contents at other places.
  const linked = join(folder, 'snapshot');
  await mkdir(join(linked, 'downloads', 'beats', 'elastic-agent'), { recursive: true });
  for (const end of ['', '.sha512', '.asc']) {
    await link(join(release.artifacts, 'downloads', path + end), join(linked, 'downloads', path + end));
  }
  const memory = await openDigestMemory(cache, 'site');
  let found = 0;
  const counting = {
    ...memory,
    set: (...entry: readonly [string, string, string]) => ((found += 1), memory.set(...entry)),
  };
  const roots = { artifacts: linked, keys: release.keys };
  const store = await openStore(t, roots, { memory: counting, untilRead: false });
  t.is(
    store.find(asked)?.state,
    'good',
    'at once; the link has changed a time, so that it is read again beside',
  );
  await store.settled();
  t.true(found > 0);
  found = 0;
  const next = await openStore(t, roots, { memory: counting });
  t.is(next.find(asked)?.state, 'good');
  t.is(found, 0, 'nothing is read again at the next start');
  const other = join(folder, 'other');
  await copyFile(join(linked, 'downloads', path), other);
  await truncate(other, 500);
  await rename(other, join(linked, 'downloads', path));
  await store.rescan();
  t.regex(store.stateOf(asked) ?? '', /another content/);
});

test('a change that hides behind the old size and time is found, and meanwhile nobody is sent away', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(path);
  const file = join(release.artifacts, 'downloads', path);
  const memory = await openDigestMemory(join(folder, 'cache'), 'site');
  const store = await openStore(t, release, { memory });
  const { mtime, atime, size } = await stat(file);
  await utimes(file, atime, mtime);
  await store.rescan();
  const exact = await stat(file);
  await writeFile(file, artifactBytes(path, size - 4));
  await utimes(file, exact.atime, exact.mtime);
  await store.refresh();
  t.is(store.find(asked)?.state, 'good', 'not read yet');
  await store.settled();
  t.regex(store.stateOf(asked) ?? '', /another content/);
});

test('a symlink to a folder above it is a fault, and leads nowhere', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const beats = join(release.artifacts, 'downloads', 'beats');
  await symlink('..', join(beats, 'up'));
  await symlink('.', join(beats, 'here'));
  await symlink('elastic-agent', join(beats, 'elastic-agent-link'));
  const store = await openStore(t, release);
  t.deepEqual(store.report().faults, [
    { path: '/downloads/beats/here', reason: 'is a symlink to a folder that it lies in' },
    { path: '/downloads/beats/up', reason: 'is a symlink to a folder that it lies in' },
  ]);
  t.is(store.report().files, 8, 'the files, those by the link beside them, and the key by its two names');
});

test('a damaged memory is computed again', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(path);
  await openStore(t, release, { memory: await openDigestMemory(folder, 'site') });
  const [file = ''] = (await readdir(folder)).filter((one) => one.endsWith('.jsonl'));
  await writeFile(join(folder, file), 'fleet-depot digests 1\n["x"\n[1,2,3]\n{}\nnull\n');
  const store = await openStore(t, release, { memory: await openDigestMemory(folder, 'site') });
  t.is(store.find(asked)?.state, 'good');
});

test('a folder that is not there is a fault of the report, and serves nothing', async (t) => {
  const store = await openStore(t, { artifacts: join(await scratch(t), 'absent') });
  t.regex(store.report().faults[0]?.reason ?? '', /cannot be read/);
  t.is(store.report().files, 0);
  t.regex(
    store.report().faults[0]?.reason ?? '',
    /absent\/downloads cannot be read.*; -artifacts-path is the folder that has downloads\/ in it$/,
  );
});

test('a folder that is lost for a while keeps what was known of it', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(path);
  const store = await openStore(t, release);
  await rename(release.artifacts, `${release.artifacts}-away`);
  await rename(release.keys, `${release.keys}-away`);
  await store.rescan();
  t.is(store.stateOf(asked), 'good');
  t.true(store.isLost(asked));
  t.is(store.report().trusted_keys, 1);
  await t.throwsAsync(store.open(store.find(asked) ?? t.fail()), { code: 'ARTIFACT_UNCHECKED' });
  await rename(`${release.keys}-away`, release.keys);
  await store.rescan();
  await rename(`${release.artifacts}-away`, release.artifacts);
  await store.rescan();
  t.is(store.stateOf(asked), 'good');
  t.false(store.isLost(asked));
  t.deepEqual(store.report().faults, []);
});
