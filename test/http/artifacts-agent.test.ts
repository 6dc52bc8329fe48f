import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeCredential, writeCredentials } from '../../src/artifacts/credential-file.ts';
import { fetchFleetServerKey, upgradeAgent } from '../support/agent-client.ts';
import { cutFirst } from '../support/cutting-proxy.ts';
import { startFleetServer } from '../support/fleet-server.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { makeKey } from '../signing/made-keys.ts';
import { selfSigned } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { agentPath, artifactBytes, makeRelease, type Release } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { startSquid } from '../support/squid.ts';

const suffix = 'linux-x86_64.tar.gz';
const file = `elastic-agent-9.2.1-${suffix}`;

/** Flags of a server with packages and artifacts. */
const flagsOf = (release: Release): Record<string, string> => ({
  'artifacts-rescan': '1s',
  'artifacts-path': release.artifacts,
  'keys-path': release.keys,
});

test('an agent upgrades over plain HTTP: package, sha512, asc, key', async (t) => {
  const release = await makeRelease(await scratch(t));
  const content = await release.add(agentPath('9.2.1'), artifactBytes('x.gz', 5_000_000));
  const { url } = await startArtifacts(t, flagsOf(release));
  const upgrade = await upgradeAgent({ sourceUri: `${url}/downloads`, fleetServer: url }, '9.2.1', suffix);
  t.true(upgrade.content.equals(content));
  t.deepEqual(upgrade.asked, [`200 ${file}`, `200 ${file}.sha512`, `200 ${file}.asc`, '200 pgp-public-key']);
});

test('an agent upgrades over TLS with the CA of its policy, and not without', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'), artifactBytes('x.gz', 5_000_000));
  const tls = await selfSigned(folder, 'depot');
  const { url } = await startArtifacts(t, { ...flagsOf(release), 'tls-cert': tls.cert, 'tls-key': tls.key });
  const settings = { sourceUri: `${url}/downloads/`, fleetServer: url };
  const ca = await readFile(tls.cert, 'utf8');
  t.is((await upgradeAgent({ ...settings, ca }, '9.2.1', suffix)).asked.length, 4);
  await t.throwsAsync(upgradeAgent({ ...settings, attempts: 1 }, '9.2.1', suffix), {
    message: /self-signed/,
  });
});

test('an agent upgrades through a proxy, over plain HTTP and over TLS', async (t) => {
  const proxy = await startSquid(t);
  if (proxy === undefined) {
    t.pass();
    return;
  }
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const content = await release.add(agentPath('9.2.1'), artifactBytes('x.gz', 5_000_000));
  const tls = await selfSigned(folder, 'depot');
  const ca = await readFile(tls.cert, 'utf8');
  const server = await startArtifacts(t, {
    ...flagsOf(release),
    'tls-cert': tls.cert,
    'tls-key': tls.key,
    'artifacts-address': '127.0.0.1:0',
  });
  for (const url of [server.url, server.artifacts.address ?? '']) {
    const upgrade = await upgradeAgent(
      { sourceUri: `${url}/downloads/`, fleetServer: url, proxy, ca },
      '9.2.1',
      suffix,
    );
    t.true(upgrade.content.equals(content), url);
  }
});

test('the listener of its own is plain while packages are on TLS, and serves artifacts alone', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const tls = await selfSigned(folder, 'depot');
  const { artifacts, url } = await startArtifacts(t, {
    ...flagsOf(release),
    'tls-cert': tls.cert,
    'tls-key': tls.key,
    'artifacts-address': '127.0.0.1:0',
  });
  const own = artifacts.address ?? '';
  t.regex(url, /^https:/);
  t.regex(own, /^http:/);
  t.is(
    (await upgradeAgent({ sourceUri: `${own}/downloads/`, fleetServer: own }, '9.2.1', suffix)).asked.length,
    4,
  );
  t.is((await fetch(`${own}/search`)).status, 404);
  t.is((await fetch(`${own}/health`)).status, 200);
  t.regex(await (await fetch(`${own}/`)).text(), /downloads\//);
});

test('the listener of its own may have TLS of its own', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const tls = await selfSigned(folder, 'depot');
  const { artifacts } = await startArtifacts(t, {
    ...flagsOf(release),
    'artifacts-address': '127.0.0.1:0',
    'artifacts-tls-cert': tls.cert,
    'artifacts-tls-key': tls.key,
  });
  const own = artifacts.address ?? '';
  t.regex(own, /^https:/);
  const ca = await readFile(tls.cert, 'utf8');
  t.is(
    (await upgradeAgent({ sourceUri: `${own}/downloads/`, fleetServer: own, ca }, '9.2.1', suffix)).asked
      .length,
    4,
  );
});

test('an agent with credentials upgrades; one without gives up at once', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const credentials = join(folder, 'credentials');
  await writeCredentials(credentials, [await makeCredential('fleet', 'apikey', 'secret', new Date())]);
  const { url } = await startArtifacts(t, { ...flagsOf(release), 'artifacts-auth-file': credentials });
  const settings = { sourceUri: `${url}/downloads/`, fleetServer: url };
  const authorization = `ApiKey ${Buffer.from('fleet:secret').toString('base64')}`;
  t.is((await upgradeAgent({ ...settings, headers: { authorization } }, '9.2.1', suffix)).asked.length, 4);
  await t.throwsAsync(upgradeAgent(settings, '9.2.1', suffix), { message: /status code: 401/ });
});

test('an agent that asks while the new file is checked tries again and gets it', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  await release.add(path);
  const { url, artifacts } = await startArtifacts(t, flagsOf(release));
  const renewed = artifactBytes('x.gz', 40_000_000);
  const next = join(folder, 'next');
  await writeFile(next, renewed);
  await rename(next, join(release.artifacts, 'downloads', path));
  const get = async (): Promise<number> => {
    const answer = await fetch(`${url}/downloads/${path}`);
    await answer.body?.cancel();
    return answer.status;
  };
  // Its digest comes a good while later: whoever looks meanwhile finds two that don't fit.
  const isFound = (): boolean => artifacts.report().quarantined > 0;
  t.is(await get(), 503);
  await eventually('the new one was read', isFound);
  t.is(await get(), 503);
  await release.add(path, renewed);
  const upgrade = await upgradeAgent(
    { sourceUri: `${url}/downloads/`, fleetServer: url, attempts: 12 },
    '9.2.1',
    suffix,
  );
  t.true(upgrade.content.equals(renewed));
});

test('an artifact in quarantine is a final 404 for an agent, never a poisoned file', async (t) => {
  const release = await makeRelease(await scratch(t));
  const path = agentPath('9.2.1');
  await release.add(path);
  await release.put(path, artifactBytes(path));
  const { url } = await startArtifacts(t, flagsOf(release));
  await t.throwsAsync(upgradeAgent({ sourceUri: `${url}/downloads/` }, '9.2.1', suffix), {
    message: /status code: 404/,
  });
  const lenient = await startArtifacts(t, { ...flagsOf(release), 'artifact-policy': 'lenient' });
  await t.throwsAsync(upgradeAgent({ sourceUri: `${lenient.url}/downloads/` }, '9.2.1', suffix), {
    message: /checksum mismatch/,
  });
});

test('fleet-server takes its key from here, plain, by TLS and through a proxy', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const tls = await selfSigned(folder, 'depot');
  const ca = await readFile(tls.cert, 'utf8');
  const { url, artifacts } = await startArtifacts(t, {
    'keys-path': release.keys,
    'tls-cert': tls.cert,
    'tls-key': tls.key,
    'artifacts-address': '127.0.0.1:0',
  });
  const path = '/GPG-KEY-elastic-agent';
  t.is(await fetchFleetServerKey(artifacts.address + path), release.key.armored);
  t.is(await fetchFleetServerKey(url + path, { ca }), release.key.armored);
  const proxy = await startSquid(t);
  if (proxy !== undefined) {
    t.is(await fetchFleetServerKey(url + path, { ca, proxy }), release.key.armored);
    t.is(await fetchFleetServerKey(artifacts.address + path, { proxy }), release.key.armored);
  }
});

test('an agent gets the key by a fleet-server that took it from here, whatever its built-in and public ones are', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const tls = await selfSigned(folder, 'fleet');
  const { url } = await startArtifacts(t, flagsOf(release));
  const keys = join(folder, 'upgrade-keys');
  await mkdir(keys);
  const fleet = { upstreamUrl: `${url}/GPG-KEY-elastic-agent`, keys, tls };
  const fleetServer = await startFleetServer(t, fleet);
  const settings = {
    sourceUri: `${url}/downloads/`,
    fleetServer,
    fleetCa: await readFile(tls.cert, 'utf8'),
    embeddedKey: (await makeKey()).armored,
    publicKey: 'https://127.0.0.1:1/GPG-KEY-elastic-agent',
    pgp: [`pgp_raw:${(await makeKey()).armored}`, `pgp_uri:${url}/GPG-KEY-elastic-agent`],
    attempts: 2,
  };
  const { asked } = await upgradeAgent(settings, '9.2.1', suffix);
  t.deepEqual(asked, [
    `200 ${file}`,
    `200 ${file}.sha512`,
    `200 ${file}.asc`,
    'skipped GPG-KEY-elastic-agent',
    'failed GPG-KEY-elastic-agent',
    'failed GPG-KEY-elastic-agent',
    '200 pgp-public-key',
  ]);
  t.is(await readFile(join(keys, 'default.pgp'), 'utf8'), release.key.armored);
  await rm(join(keys, 'default.pgp'));
  await writeFile(join(release.keys, 'GPG-KEY-elastic-agent'), '<html>Sign in</html>');
  await eventually('the page is found', async () => (await fetch(fleet.upstreamUrl)).status === 404);
  const next = await startFleetServer(t, fleet);
  await t.throwsAsync(upgradeAgent({ ...settings, fleetServer: next }, '9.2.1', suffix), {
    message: /could not be verified/,
  });
  await t.throwsAsync(readFile(join(keys, 'default.pgp')), undefined, 'fleet-server has stored nothing');
});

test('an agent whose download is cut on the way begins anew and gets the whole', async (t) => {
  const release = await makeRelease(await scratch(t));
  const content = await release.add(agentPath('9.2.1'), artifactBytes('x.gz', 3_000_000));
  const { url } = await startArtifacts(t, flagsOf(release));
  const front = await cutFirst(t, url, 1_000_000);
  const upgrade = await upgradeAgent({ sourceUri: `${front}/downloads/`, fleetServer: url }, '9.2.1', suffix);
  t.true(upgrade.content.equals(content));
  t.deepEqual(upgrade.asked.slice(0, 2), [`failed ${file}`, `200 ${file}`]);
});

test('an agent upgrades to a build with a plus sign, to a snapshot and to a zip for Windows', async (t) => {
  const release = await makeRelease(await scratch(t));
  const { url } = await startArtifacts(t, flagsOf(release));
  for (const [version, end] of [
    ['9.2.1+build202511011200', suffix],
    ['9.3.0-SNAPSHOT', suffix],
    ['9.2.1', 'windows-x86_64.zip'],
    ['9.2.1', 'darwin-aarch64.tar.gz'],
  ] as const) {
    const content = await release.add(agentPath(version, end));
    const settings = { sourceUri: `${url}/downloads`, fleetServer: url };
    await eventually(
      'it is served',
      async () => (await fetch(`${url}/downloads/${agentPath(version, end)}`)).ok,
    );
    t.true((await upgradeAgent(settings, version, end)).content.equals(content), version);
  }
});

test('an agent whose proxy wants a password upgrades through it, by an absolute address and by a tunnel', async (t) => {
  const user = { name: 'agent', password: 'secret' };
  const proxy = await startSquid(t, user);
  if (proxy === undefined) {
    t.pass();
    return;
  }
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const tls = await selfSigned(folder, 'depot');
  const ca = await readFile(tls.cert, 'utf8');
  const flags = {
    ...flagsOf(release),
    'tls-cert': tls.cert,
    'tls-key': tls.key,
    'artifacts-address': '127.0.0.1:0',
  };
  const server = await startArtifacts(t, flags);
  const known = proxy.replace('://', `://${user.name}:${user.password}@`);
  for (const url of [server.url, server.artifacts.address ?? '']) {
    const settings = { sourceUri: `${url}/downloads/`, fleetServer: url, ca, attempts: 1 };
    t.is((await upgradeAgent({ ...settings, proxy: known }, '9.2.1', suffix)).asked.length, 4);
    await t.throwsAsync(upgradeAgent({ ...settings, proxy }, '9.2.1', suffix), undefined, url);
  }
});
