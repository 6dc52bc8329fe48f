import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { artifactBytes } from '../support/release.ts';
import { pinnedKey, references, startReleaseUpstream } from '../support/release-upstream.ts';
import { agents, createReleaseSite, linuxAgent, treeOf, windowsAgent } from '../support/release-site.ts';

const everything = `${agents}defend: [9.2.1]\nmodels: [elser_model_2]\ndocs: ["9.2"]\n`;

const setUp = async (t: Parameters<typeof createReleaseSite>[0]) => {
  const site = await createReleaseSite(t);
  await site.upstream.add(linuxAgent);
  await site.upstream.add(windowsAgent);
  site.upstream.addDefend('9.2.1', { '/downloads/endpoint/global/a-v1': Buffer.from('blob') });
  site.upstream.addModel('elser_model_2', Buffer.from('weights'));
  site.upstream.addDocs('9.2');
  await site.define(everything);
  return site;
};

test('the lock file has every file with digests, size, signer and source, and none is forgotten', async (t) => {
  const { run, to, upstream } = await setUp(t);
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  const lock = JSON.parse(await readFile(join(to, 'distribution.lock'), 'utf8')) as {
    readonly lockVersion: number;
    readonly files: readonly Record<string, unknown>[];
  };
  t.is(lock.lockVersion, 2);
  const { 'distribution.lock': _, ...there } = treeOf(to);
  t.deepEqual(Object.fromEntries(lock.files.map(({ path, sha256 }) => [path, sha256])), there);
  const content = upstream.files.get(`/downloads/${linuxAgent}`) ?? Buffer.alloc(0);
  t.deepEqual(
    lock.files.find(({ path }) => path === `downloads/${linuxAgent}`),
    {
      path: `downloads/${linuxAgent}`,
      name: 'elastic-agent',
      version: '9.2.1',
      sha256: createHash('sha256').update(content).digest('hex'),
      sha512: createHash('sha512').update(content).digest('hex'),
      size: content.length,
      signer: upstream.key.fingerprint,
      source: `${upstream.url}/downloads/${linuxAgent}`,
    },
  );
  t.like(
    lock.files.find(({ path }) => path === 'keys/GPG-KEY-elastic-agent'),
    { fingerprints: [upstream.key.fingerprint], source: `${upstream.url}/GPG-KEY-elastic-agent` },
  );
  t.like(
    lock.files.find(({ path }) => path === 'downloads/endpoint/manifest/artifacts-9.2.1.zip'),
    { name: 'endpoint', version: '9.2.1' },
  );
  t.like(
    lock.files.find(({ path }) => path === 'product-docs/kb-product-doc-kibana-9.2.zip'),
    { name: 'kibana', version: '9.2' },
  );
  t.like(
    lock.files.find(({ path }) => path === 'ml-models/elser_model_2.pt'),
    { name: 'elser_model_2' },
  );
  const before = await readFile(join(to, 'distribution.lock'), 'utf8');
  t.is((await run()).exitCode, 0);
  t.is(await readFile(join(to, 'distribution.lock'), 'utf8'), before, 'the same set gives the same bytes');
});

test('--locked makes the same set again byte for byte, lock file included, from a mirror too', async (t) => {
  const { run, to, folder, upstream } = await setUp(t);
  await run();
  const made = treeOf(to);
  const lock = join(folder, 'kept.lock');
  await writeFile(lock, await readFile(join(to, 'distribution.lock')));
  await rm(to, { recursive: true });
  t.is((await run('--locked', '--lock', lock)).exitCode, 0);
  t.deepEqual(treeOf(to), made);
  upstream.requests.length = 0;
  t.deepEqual((await run('--locked')).artifacts.report.fetched, []);
  t.deepEqual(upstream.requests, [], 'what is here is not asked for');

  const mirror = await startReleaseUpstream(t);
  for (const [path, content] of upstream.files) {
    mirror.files.set(path, content);
  }
  await writeFile(join(folder, 'site.yml'), `${everything}${pinnedKey(upstream)}${references(mirror)}`);
  await rm(to, { recursive: true });
  upstream.requests.length = 0;
  const fromMirror = await run('--locked', '--lock', lock);
  t.is(fromMirror.exitCode, 0, fromMirror.stderr);
  t.deepEqual(treeOf(to), made);
  t.deepEqual(upstream.requests, []);
});

test('--locked makes an older set again where the definition has moved on', async (t) => {
  const { run, to, folder, upstream } = await setUp(t);
  await run();
  const made = treeOf(to);
  const lock = join(folder, 'kept.lock');
  await writeFile(lock, await readFile(join(to, 'distribution.lock')));
  const manifest = upstream.files.get('/downloads/endpoint/manifest/artifacts-9.2.1.zip') ?? Buffer.alloc(0);
  upstream.addDefend('9.2.1', { '/downloads/endpoint/global/b-v2': Buffer.from('newer') });
  t.is((await run('--prune')).exitCode, 0);
  t.notDeepEqual(treeOf(to), made);
  const refused = await run('--locked', '--lock', lock);
  t.is(refused.exitCode, 3, 'upstream has another manifest now');
  upstream.files.set('/downloads/endpoint/manifest/artifacts-9.2.1.zip', manifest);
  t.is((await run('--locked', '--lock', lock, '--prune')).exitCode, 0);
  t.deepEqual(treeOf(to), made);
});

test('an upstream with other bytes than the lock file says is refused, and the lock file stays', async (t) => {
  const { run, to, upstream } = await setUp(t);
  await run();
  const lock = await readFile(join(to, 'distribution.lock'), 'utf8');
  await upstream.add(linuxAgent, artifactBytes(linuxAgent, 3000));
  upstream.files.set(
    '/kb-product-doc-kibana-9.2.zip',
    upstream.files.get('/kb-product-doc-security-9.2.zip') ?? Buffer.alloc(0),
  );
  await rm(join(to, 'downloads', linuxAgent));
  await rm(join(to, 'product-docs', 'kb-product-doc-kibana-9.2.zip'));
  const { exitCode, artifacts } = await run('--locked');
  t.is(exitCode, 3);
  t.deepEqual(
    artifacts.report.failed.map(({ label, code }) => `${label} ${code}`),
    [
      `downloads/${linuxAgent} ARCHIVE_MISMATCH`,
      'product-docs/kb-product-doc-kibana-9.2.zip ARCHIVE_MISMATCH',
    ],
  );
  t.true(artifacts.report.failed.every(({ reason }) => reason.includes('the lock file says')));
  t.is(await readFile(join(to, 'distribution.lock'), 'utf8'), lock);
});

test('--locked needs artifacts in the lock file where the definition asks for some', async (t) => {
  const { run, folder } = await setUp(t);
  const lock = join(folder, 'packages.lock');
  await writeFile(lock, '{"lockVersion":1,"distribution":"x","address":"https://x.example/","packages":[]}');
  t.regex((await run('--locked', '--lock', lock)).error?.message ?? '', /names no artifacts/);
});

test('a run that fails in part keeps in the lock file what is there and good', async (t) => {
  const { run, to, upstream } = await setUp(t);
  await run();
  upstream.files.delete('/GPG-KEY-elastic-agent');
  upstream.files.delete('/downloads/endpoint/manifest/artifacts-9.2.1.zip');
  const lock = await readFile(join(to, 'distribution.lock'), 'utf8');
  const { exitCode, artifacts } = await run('--prune');
  t.is(exitCode, 3);
  t.deepEqual(artifacts.report.failed.map(({ label }) => label).toSorted(), [
    'downloads/endpoint/manifest/artifacts-9.2.1.zip',
    'keys/GPG-KEY-elastic-agent',
    'prune',
  ]);
  t.is(await readFile(join(to, 'distribution.lock'), 'utf8'), lock);
  t.true((await readFile(join(to, 'downloads/endpoint/global/a-v1'), 'utf8')) === 'blob');
});
