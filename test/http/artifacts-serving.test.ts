import { createHash } from 'node:crypto';
import { chmod, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { startArtifacts } from '../support/artifact-server.ts';
import { agentPath, artifactBytes, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';

/** Sends the path as it is; fetch would clean it. */
const askRaw = (
  base: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; location: string | undefined }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const sent = request({ hostname, port, path, headers, agent: false }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, location: answer.headers.location });
    });
    sent.on('error', reject);
    sent.end();
  });

test('an artifact is sent whole, with a strong hex ETag, without any encoding', async (t) => {
  const release = await makeRelease(await scratch(t));
  const content = await release.add(agentPath('9.2.1'), artifactBytes('x.gz', 3_000_000));
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const answer = await fetch(`${url}/downloads/${agentPath('9.2.1')}`, {
    headers: { 'accept-encoding': 'gzip, br' },
  });
  t.is(answer.status, 200);
  t.is(answer.headers.get('content-encoding'), null);
  t.is(answer.headers.get('content-length'), String(content.length));
  t.is(answer.headers.get('content-type'), 'application/gzip');
  t.regex(answer.headers.get('etag') ?? '', /^"[0-9a-f]{64}"$/);
  t.is(answer.headers.get('cache-control'), 'public, no-cache, no-transform');
  t.truthy(answer.headers.get('last-modified'));
  t.true(Buffer.from(await answer.arrayBuffer()).equals(content));
});

test('ranges, HEAD and conditional requests work for small and large files', async (t) => {
  const release = await makeRelease(await scratch(t));
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const server = url;
  for (const [version, size] of [
    ['9.2.1', 5000],
    ['9.2.2', 4_000_000],
  ] as const) {
    await release.add(agentPath(version), artifactBytes('x.gz', size));
  }
  const other = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  t.not(other.url, server);
  for (const version of ['9.2.1', '9.2.2']) {
    const address = `${other.url}/downloads/${agentPath(version)}`;
    const whole = Buffer.from(await (await fetch(address)).arrayBuffer());
    const part = await fetch(address, { headers: { range: `bytes=100-${whole.length - 11}` } });
    t.is(part.status, 206);
    t.is(part.headers.get('content-range'), `bytes 100-${whole.length - 11}/${whole.length}`);
    t.true(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(100, whole.length - 10)));
    const head = await fetch(address, { method: 'HEAD' });
    t.is(head.headers.get('content-length'), String(whole.length));
    const etag = head.headers.get('etag') ?? '';
    t.is((await askRaw(other.url, new URL(address).pathname, { 'if-none-match': etag })).status, 304);
    t.is((await fetch(address, { headers: { range: `bytes=${whole.length}-` } })).status, 416);
  }
});

test('names with a plus sign, snapshots and other folders are served under their names', async (t) => {
  const release = await makeRelease(await scratch(t));
  const paths = [
    agentPath('9.2.1+build202511010000'),
    agentPath('9.3.0-SNAPSHOT'),
    agentPath('9.2.1', 'darwin-aarch64.tar.gz'),
    agentPath('9.2.1', 'windows-x86_64.zip'),
    agentPath('9.2.1', 'amd64.deb'),
    'beats/elastic-agent/elastic-agent-fips-9.2.1-linux-x86_64.tar.gz',
    'fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz',
    'endpoint-dev/endpoint-security-9.2.1-linux-x86_64.tar.gz',
    'prodfiler/pf-host-agent-9.2.1-linux-x86_64.tar.gz',
    'elasticsearch/elasticsearch-9.2.1-linux-x86_64.tar.gz',
  ];
  for (const path of paths) {
    await release.add(path);
  }
  const { url, artifacts } = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
  });
  for (const path of paths) {
    for (const end of ['', '.sha512', '.asc']) {
      t.is((await fetch(`${url}/downloads/${path}${end}`)).status, 200, path + end);
    }
  }
  t.deepEqual(artifacts.report().quarantine, []);
});

test('nothing but what was listed can be asked for', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await writeFile(join(folder, 'secret-1.0.0-linux-x86_64.tar.gz'), 'secret');
  await release.put('beats/elastic-agent/.hidden-1.0.0-linux-x86_64.tar.gz', 'hidden');
  await release.put('.git/config', 'hidden');
  await release.add(agentPath('9.2.1'));
  await symlink(
    join(folder, 'secret-1.0.0-linux-x86_64.tar.gz'),
    join(release.artifacts, 'downloads', 'beats', 'out-1.0.0-linux-x86_64.tar.gz'),
  );
  await symlink('/etc', join(release.artifacts, 'downloads', 'etc'));
  await symlink('loop', join(release.artifacts, 'downloads', 'loop'));
  const { url, artifacts } = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    'artifact-policy': 'lenient',
  });
  for (const path of [
    '/downloads/..%2f..%2fsecret-1.0.0-linux-x86_64.tar.gz',
    '/downloads/../../etc/passwd',
    '/downloads/%2e%2e/%2e%2e/etc/passwd',
    '/downloads/..%5c..%5cetc%5cpasswd',
    '/downloads/beats/elastic-agent/..',
    '/downloads/beats%2felastic-agent/',
    '/downloads/etc/passwd',
    '/downloads/etc/',
    '/downloads/beats/out-1.0.0-linux-x86_64.tar.gz',
    '/downloads/.git/config',
    '/downloads/beats/elastic-agent/.hidden-1.0.0-linux-x86_64.tar.gz',
    '/downloads/loop',
    '/downloads/x%00',
    '/keys/..%2fartifacts',
  ]) {
    t.is((await askRaw(url, path)).status, 404, path);
  }
  t.is((await askRaw(url, '/downloads/%zz')).status, 400);
  t.is((await askRaw(url, 'http://[::1/downloads/')).status, 400);
  t.is((await askRaw(url, `//downloads/${agentPath('9.2.1')}`)).status, 301);
  t.deepEqual(
    artifacts.report().faults.map(({ path }) => path),
    ['/downloads/beats/out-1.0.0-linux-x86_64.tar.gz', '/downloads/etc', '/downloads/loop'],
  );
});

test('other methods are refused', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(agentPath('9.2.1'));
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  for (const method of ['PUT', 'POST', 'DELETE']) {
    t.is((await fetch(`${url}/downloads/${agentPath('9.2.1')}`, { method })).status, 405);
  }
});

test('a folder is listed for people and for scripts, with escaped names and why something is not served', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(agentPath('9.2.1'));
  await release.put('beats/elastic-agent/<img src=x onerror=alert(1)>.zip', 'x');
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const page = await fetch(`${url}/downloads/beats/elastic-agent/`, { headers: { accept: 'text/html,*/*' } });
  const html = await page.text();
  t.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
  t.regex(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  t.false(html.includes('<img'));
  t.true(html.includes('&lt;img'));
  t.false(/(?:src|href)="?https?:/.test(html));
  t.regex(html, /in quarantine: has no name of the form/);
  const json = (await (await fetch(`${url}/downloads/beats/elastic-agent/?format=json`)).json()) as {
    files: { name: string; state: string; served: boolean }[];
  };
  t.deepEqual(
    json.files.filter(({ served }) => served).map(({ name, state }) => [name, state]),
    ['', '.asc', '.sha512'].map((end) => [`elastic-agent-9.2.1-linux-x86_64.tar.gz${end}`, 'good']),
  );
  const root = await fetch(`${url}/downloads/`, { headers: { accept: 'application/json' } });
  t.deepEqual(((await root.json()) as { folders: string[] }).folders, ['beats']);
  const bare = await fetch(`${url}/downloads/beats`, { redirect: 'manual' });
  t.is(bare.headers.get('location'), '/downloads/beats/');
});

test('fifty agents that download while the file is replaced all get the old one whole', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  const old = await release.add(path, artifactBytes('x.gz', 24_000_000));
  const server = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const digestOf = (bytes: Buffer): string => createHash('sha512').update(bytes).digest('hex');
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => fetch(`${server.url}/downloads/${path}`)),
  );
  t.true(answers.every(({ status }) => status === 200));
  const next = join(folder, 'next');
  const renewed = artifactBytes('x.gz', 1_000_000);
  await writeFile(next, renewed);
  await rename(next, join(release.artifacts, 'downloads', path));
  const asked = await fetch(`${server.url}/downloads/${path}`);
  t.is(asked.status, 503, 'the new file was not checked yet');
  t.is(asked.headers.get('retry-after'), '30');
  for (const answer of answers) {
    const hash = createHash('sha512');
    for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
      hash.update(piece);
    }
    t.is(hash.digest('hex'), digestOf(old));
  }
  await release.add(path, renewed);
  await server.rescan();
  const after = await fetch(`${server.url}/downloads/${path}`);
  t.is(digestOf(Buffer.from(await after.arrayBuffer())), digestOf(renewed));
});

test('a file that is cut while it is sent cuts the connection instead of ending early', async (t) => {
  const release = await makeRelease(await scratch(t));
  const path = agentPath('9.2.1');
  await release.add(path, artifactBytes('x.gz', 64_000_000));
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const answer = await fetch(`${url}/downloads/${path}`);
  t.is(answer.status, 200);
  await writeFile(join(release.artifacts, 'downloads', path), 'short');
  await t.throwsAsync(answer.arrayBuffer());
});

test('a file that is written to in its place while agents download it is whole for none of them', async (t) => {
  const release = await makeRelease(await scratch(t));
  const path = agentPath('9.2.1');
  const old = await release.add(path, artifactBytes('x.gz', 64_000_000));
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const answers = await Promise.all(Array.from({ length: 3 }, () => fetch(`${url}/downloads/${path}`)));
  t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  await writeFile(join(release.artifacts, 'downloads', path), artifactBytes('x.gz', old.length), {
    flag: 'r+',
  });
  for (const answer of answers) {
    await t.throwsAsync(answer.arrayBuffer());
  }
});

test('a file that cannot be read is a fault of ours, not an absent one', async (t) => {
  if (process.getuid?.() === 0) {
    t.log('skipped: root reads everything');
    t.pass();
    return;
  }
  const release = await makeRelease(await scratch(t));
  const path = agentPath('9.2.1');
  await release.add(path);
  const { url } = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  await chmod(join(release.artifacts, 'downloads', path), 0o000);
  t.is((await fetch(`${url}/downloads/${path}`)).status, 500);
});

test('a folder that cannot be read is passing trouble for agents, never an absent file', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  await release.add(path);
  const flags = { 'artifacts-path': join(folder, 'later'), 'keys-path': release.keys };
  const server = await startArtifacts(t, flags);
  const status = async (): Promise<number> => (await fetch(`${server.url}/downloads/${path}`)).status;
  t.is(await status(), 503);
  t.is((await fetch(`${server.url}/GPG-KEY-elastic-agent`)).status, 200);
  await rename(release.artifacts, join(folder, 'later'));
  await server.rescan();
  t.is(await status(), 200);
  await rename(join(folder, 'later'), release.artifacts);
  await server.rescan();
  t.is(await status(), 503);
});

test('a large file that is still being written is passing trouble, and is read when it is whole', async (t) => {
  const release = await makeRelease(await scratch(t));
  const path = agentPath('9.2.1');
  const content = await release.add(path, artifactBytes('x.gz', 70_000_000));
  const file = join(release.artifacts, 'downloads', path);
  await truncate(file, 68_000_000);
  // Just written, however long the server takes to start.
  const soon = new Date(Date.now() + 50_000);
  await utimes(file, soon, soon);
  const server = await startServer({
    flags: { 'shutdown-timeout': '0s', 'artifacts-path': release.artifacts, 'keys-path': release.keys },
  });
  t.teardown(() => server.close());
  const status = async (): Promise<number> =>
    (await fetch(`${server.url}/downloads/${path}`, { method: 'HEAD' })).status;
  await server.app.artifacts?.refresh();
  t.is(await status(), 503);
  await release.put(path, content);
  const past = new Date(Date.now() - 60_000);
  await utimes(file, past, past);
  await server.app.artifacts?.refresh();
  await server.app.artifacts?.settled();
  t.is(await status(), 200);
});

test('a removed file is absent after the next look', async (t) => {
  const release = await makeRelease(await scratch(t));
  const path = agentPath('9.2.1');
  await release.add(path);
  const server = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  await rm(join(release.artifacts, 'downloads', path));
  await server.rescan();
  t.is((await fetch(`${server.url}/downloads/${path}`)).status, 404);
  t.is((await fetch(`${server.url}/downloads/${path}.sha512`)).status, 404, 'its digest goes with it');
});

test('without a setting there are no artifacts, and packages are not touched', async (t) => {
  const folder = await scratch(t);
  await mkdir(join(folder, 'keys'));
  const { url } = await startArtifacts(t, { 'keys-path': join(folder, 'keys') });
  t.is((await fetch(`${url}/downloads/`)).status, 404);
  t.is((await fetch(`${url}/search`)).status, 200);
  t.is((await fetch(`${url}/health`)).status, 200);
});
