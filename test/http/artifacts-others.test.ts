import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeKey } from '../signing/made-keys.ts';
import { openStore } from '../support/artifact-store.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { failingDisk } from '../support/failing-disk.ts';
import { agentPath, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { buildZip } from '../support/zip-builder.ts';

test('the key is served under the names that agents and fleet-server ask for', async (t) => {
  const release = await makeRelease(await scratch(t));
  const { url } = await startArtifacts(t, { 'keys-path': release.keys });
  for (const path of [
    '/GPG-KEY-elastic-agent',
    '/keys/GPG-KEY-elastic-agent',
    '/api/agents/upgrades/9.2.1/pgp-public-key',
    '/api/agents/upgrades/8.10.4/pgp-public-key',
  ]) {
    const answer = await fetch(url + path);
    t.is(answer.status, 200, path);
    t.is(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
    t.is(await answer.text(), release.key.armored);
  }
});

test('the name that fleet-server keeps its key under is taken too', async (t) => {
  const folder = await scratch(t);
  const { armored } = await makeKey();
  await writeFile(join(folder, 'default.pgp'), armored);
  const { url } = await startArtifacts(t, { 'keys-path': folder });
  t.is(await (await fetch(`${url}/GPG-KEY-elastic-agent`)).text(), armored);
});

test('what is no public key is never served, whatever the policy', async (t) => {
  const folder = await scratch(t);
  const key = await makeKey();
  const files: Readonly<Record<string, readonly [string | Uint8Array, RegExp]>> = {
    'GPG-KEY-elastic-agent': ['<!DOCTYPE html><title>Sign in</title>', /web page/],
    'private.asc': [key.privateKey.armor(), /private key/],
    'binary.gpg': [key.publicKey.write(), /binary key/],
    'text.asc': ['hello', /no OpenPGP public key/],
    'cut.asc': [key.armored.slice(0, 200), /no OpenPGP public key/],
  };
  for (const [name, [content]] of Object.entries(files)) {
    await writeFile(join(folder, name), content);
  }
  const { url, artifacts } = await startArtifacts(t, { 'keys-path': folder, 'artifact-policy': 'lenient' });
  for (const [name, [, reason]] of Object.entries(files)) {
    t.is((await fetch(`${url}/keys/${name}`)).status, 404, name);
    t.regex(
      artifacts
        .report()
        .quarantine.find(({ path }) => path === `/keys/${name}`)
        ?.reasons.join() ?? '',
      reason,
    );
  }
  t.is((await fetch(`${url}/GPG-KEY-elastic-agent`)).status, 404);
  t.is((await fetch(`${url}/api/agents/upgrades/9.2.1/pgp-public-key`)).status, 404);
});

const manifest = (urls: readonly string[]): Buffer =>
  buildZip([
    {
      name: 'manifest.json',
      content: JSON.stringify({
        manifest_version: '1.0.42',
        artifacts: Object.fromEntries(urls.map((relative_url, at) => [`a${at}`, { relative_url }])),
      }),
    },
  ]);

test("Defend's manifest and files have a hex ETag that stays while the content does", async (t) => {
  const release = await makeRelease(await scratch(t));
  const file = '/downloads/endpoint/global/diagnostic-v1-abc';
  await release.put('endpoint/manifest/artifacts-9.2.1.zip', manifest([file]));
  await release.put(file.slice('/downloads/'.length), 'model bytes');
  const server = await startArtifacts(t, { 'artifacts-path': release.artifacts });
  const etags: string[] = [];
  for (const path of ['/downloads/endpoint/manifest/artifacts-9.2.1.zip', file]) {
    const answer = await fetch(server.url + path);
    t.is(answer.status, 200);
    t.regex(answer.headers.get('etag') ?? '', /^"[0-9a-f]+"$/);
    etags.push(answer.headers.get('etag') ?? '');
    await answer.arrayBuffer();
  }
  // The same content, copied anew with another time, as a monthly refresh does.
  await release.put(file.slice('/downloads/'.length), 'model bytes');
  await server.rescan();
  t.is((await fetch(server.url + file)).headers.get('etag'), etags[1] ?? '');
  await release.put(file.slice('/downloads/'.length), 'other bytes');
  await server.rescan();
  t.not((await fetch(server.url + file)).headers.get('etag'), etags[1]);
});

test("a file of Defend that isn't what its manifest says is kept from endpoints", async (t) => {
  const release = await makeRelease(await scratch(t));
  const entry = (relative_url: string, content: string, length = content.length): object => ({
    relative_url,
    encoded_size: length,
    encoded_sha256: createHash('sha256').update(content).digest('hex'),
  });
  const folder = '/downloads/endpoint/';
  const artifacts = {
    a: entry(`${folder}good`, 'content'),
    b: entry(`${folder}cut`, 'content'),
    c: entry(`${folder}other`, 'content'),
    d: { relative_url: `${folder}unsaid` },
  };
  const envelope = { manifest: Buffer.from(JSON.stringify({ artifacts })).toString('base64') };
  await release.put(
    'endpoint/manifest/artifacts-9.2.1.zip',
    buildZip([{ name: 'manifest.json', content: JSON.stringify(envelope) }]),
  );
  await release.put('endpoint/good', 'content');
  await release.put('endpoint/cut', 'cont');
  await release.put('endpoint/other', 'CONTENT');
  await release.put('endpoint/unsaid', 'whatever');
  await release.put('endpoint/page', '<!DOCTYPE html>');
  const server = await startArtifacts(t, { 'artifacts-path': release.artifacts });
  t.deepEqual(
    server.artifacts.report().quarantine.map(({ path, reasons }) => `${path} ${reasons.join()}`),
    [
      `${folder}cut has 4 bytes, but the manifest says 7`,
      `${folder}other has the SHA-256 ${createHash('sha256').update('CONTENT').digest('hex').slice(0, 16)}…, but the manifest says ${createHash('sha256').update('content').digest('hex').slice(0, 16)}…`,
      `${folder}page is a web page or an error message`,
    ],
  );
  for (const name of ['good', 'unsaid', 'manifest/artifacts-9.2.1.zip']) {
    t.is((await fetch(server.url + folder + name)).status, 200, name);
  }
  await release.put('endpoint/other', 'content');
  await server.rescan();
  t.is((await fetch(`${server.url}${folder}other`)).status, 200);
});

test('a manifest that is none, refers outside or to what is missing is told', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.put('endpoint/manifest/artifacts-9.2.1.zip', '<html></html>');
  await release.put('endpoint/manifest/artifacts-9.2.2.zip', manifest(['/downloads/../etc/passwd']));
  await release.put('endpoint/manifest/artifacts-9.2.3.zip', manifest(['/downloads/endpoint/absent']));
  const { url, artifacts, lines } = await startArtifacts(t, { 'artifacts-path': release.artifacts });
  t.deepEqual(
    artifacts.report().quarantine.map(({ path }) => path),
    ['9.2.1', '9.2.2'].map((version) => `/downloads/endpoint/manifest/artifacts-${version}.zip`),
  );
  t.is((await fetch(`${url}/downloads/endpoint/manifest/artifacts-9.2.3.zip`)).status, 200);
  t.true(lines.some(({ message }) => message.includes('refers to 1 file that is not here')));
});

const contentOf = (name: string): string =>
  name.endsWith('.json')
    ? `{"size": ${`content of ${name.replace('.metadata.json', '.pt')}`.length}}`
    : `content of ${name}`;

test('models lie flat, and what is none is not served', async (t) => {
  const folder = await scratch(t);
  const names = ['metadata.json', 'pt', 'vocab.json'].map((end) => `elser_model_2_linux-x86_64.${end}`);
  for (const name of [...names, 'notes.txt']) {
    await writeFile(join(folder, name), contentOf(name));
  }
  const { url } = await startArtifacts(t, { 'models-path': folder });
  for (const name of names) {
    const answer = await fetch(`${url}/ml-models/${name}`);
    t.is(await answer.text(), contentOf(name));
    t.is(answer.headers.get('content-encoding'), null);
  }
  t.is((await fetch(`${url}/ml-models/notes.txt`)).status, 404);
});

test('product docs have an S3 listing at their root and their files below it', async (t) => {
  const folder = await scratch(t);
  for (const product of ['elasticsearch', 'kibana']) {
    await writeFile(
      join(folder, `kb-product-doc-${product}-9.2.zip`),
      buildZip([{ name: 'manifest.json', content: '{}' }]),
    );
  }
  await mkdir(join(folder, 'sub'));
  const { url } = await startArtifacts(t, { 'product-docs-path': folder });
  const answer = await fetch(`${url}/product-docs/?max-keys=1000`);
  t.is(answer.headers.get('content-type'), 'application/xml');
  const xml = await answer.text();
  t.regex(xml, /^<\?xml [^>]*\?>\n<ListBucketResult xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/">/);
  const keys = [...xml.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key);
  t.deepEqual(keys, ['kb-product-doc-elasticsearch-9.2.zip', 'kb-product-doc-kibana-9.2.zip']);
  const file = await fetch(`${url}/product-docs/${keys[0]}`);
  t.is(file.headers.get('content-type'), 'application/zip');
  t.deepEqual(Buffer.from(await file.arrayBuffer()), await readFile(join(folder, keys[0] ?? '')));
});

test('health and metrics say what is in quarantine and which versions agents can take', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(agentPath('9.2.1'));
  await release.add(agentPath('9.10.0'));
  await release.put(`${agentPath('9.10.0')}.sha512`, 'x');
  await release.add(
    agentPath('9.2.1', 'windows-x86_64.zip').replace('elastic-agent-9', 'elastic-agent-fips-9'),
  );
  const server = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  const { artifacts } = (await (await fetch(`${server.url}/health`)).json()) as { artifacts: unknown };
  t.deepEqual(artifacts, {
    good: 8,
    unchecked: 0,
    quarantined: 3,
    quarantine: [
      {
        path: `/downloads/${agentPath('9.10.0')}`,
        reasons: ['has a .sha512 that has a line with one field; agents want two, digest and file name'],
      },
    ],
    releases: [
      { version: '9.2.1', platform: 'linux-x86_64', agents: true, missing: 13 },
      { version: '9.2.1', platform: 'windows-x86_64', agents: false, missing: 11 },
      { version: '9.10.0', platform: 'linux-x86_64', agents: false, missing: 13 },
    ],
  });
  const metrics = await server.metrics();
  for (const line of [
    'fleet_depot_artifacts{state="quarantined"} 3',
    'fleet_depot_artifact_release_agents{version="9.2.1",platform="linux-x86_64"} 1',
    'fleet_depot_artifact_release_agents{version="9.10.0",platform="linux-x86_64"} 0',
    'fleet_depot_artifact_release_missing{version="9.2.1",platform="windows-x86_64"} 11',
  ]) {
    t.true(metrics.split('\n').includes(line), line);
  }
});

test('a model that is cut, or a web page under its name, is kept from Elasticsearch', async (t) => {
  const folder = await scratch(t);
  await writeFile(join(folder, 'a.metadata.json'), '{"size": 100}');
  await writeFile(join(folder, 'a.pt'), 'cut');
  await writeFile(join(folder, 'b.pt'), '<!DOCTYPE html><title>Sign in</title>');
  await writeFile(join(folder, 'c.metadata.json'), '[');
  await writeFile(join(folder, 'd.vocab.json'), '<body>Sign in</body>');
  const { artifacts } = await startArtifacts(t, { 'models-path': folder });
  t.deepEqual(
    artifacts.report().quarantine.map(({ path, reasons }) => `${path} ${reasons.join()}`),
    [
      '/ml-models/a.pt has 3 bytes, but a.metadata.json says 100',
      '/ml-models/b.pt is a web page or an error message, not a part of a model',
      '/ml-models/c.metadata.json is no JSON object',
      '/ml-models/d.vocab.json is a web page or an error message, not a part of a model',
    ],
  );
});

test('a model of another SHA-256 than its metadata says is kept from Elasticsearch, and so is one that is not read yet', async (t) => {
  const folder = await scratch(t);
  const [content, other] = [randomBytes(5000), randomBytes(5000)];
  const sha256 = createHash('sha256').update(content).digest('hex');
  for (const name of ['a', 'b', 'upper']) {
    const said = name === 'upper' ? sha256.toUpperCase() : sha256;
    await writeFile(join(folder, `${name}.metadata.json`), JSON.stringify({ size: 5000, sha256: said }));
    await writeFile(join(folder, `${name}.pt`), name === 'b' ? other : content);
  }
  await writeFile(join(folder, 'plain.metadata.json'), JSON.stringify({ size: 5000 }));
  await writeFile(join(folder, 'plain.pt'), other);
  const { artifacts, url, rescan } = await startArtifacts(t, { 'models-path': folder });
  const statusOf = async (name: string): Promise<number> =>
    (await fetch(`${url}/ml-models/${name}.pt`, { method: 'HEAD' })).status;
  t.deepEqual(await Promise.all(['a', 'b', 'upper', 'plain'].map(statusOf)), [200, 404, 200, 200]);
  t.regex(
    artifacts
      .report()
      .quarantine.map(({ path, reasons }) => `${path} ${reasons.join()}`)
      .join('\n'),
    /^\/ml-models\/b\.pt has the SHA-256 [0-9a-f]{16}…, but b\.metadata\.json says [0-9a-f]{16}…$/,
  );
  await writeFile(join(folder, 'b.pt'), content);
  await rescan();
  t.is(await statusOf('b'), 200);
  const store = await openStore(t, { models: folder }, { untilRead: false });
  t.is(store.stateOf('/ml-models/a.pt'), 'unchecked');
  t.is(store.stateOf('/ml-models/plain.pt'), 'good');
});

test('a folder of the settings that is empty has an empty listing', async (t) => {
  const folder = await scratch(t);
  const { url } = await startArtifacts(t, { 'models-path': folder });
  const answer = await fetch(`${url}/ml-models/?format=json`);
  t.deepEqual(await answer.json(), { path: '/ml-models/', folders: [], files: [] });
  t.is((await fetch(`${url}/downloads/`)).status, 404);
  t.is((await fetch(`${url}/product-docs/`)).status, 404, 'off where it is not configured');
});

test('an unlisted start, an unchecked file and one in quarantine have three different answers', async (t) => {
  const release = await makeRelease(await scratch(t));
  await release.add(agentPath('9.2.1'));
  const server = await startArtifacts(t, { 'artifacts-path': release.artifacts, 'keys-path': release.keys });
  await release.add(agentPath('9.2.2'));
  t.is((await fetch(`${server.url}/downloads/${agentPath('9.2.2')}`)).status, 404, 'not listed yet');
  await release.add(agentPath('9.2.3'));
  await release.put(`${agentPath('9.2.3')}.sha512`, 'x');
  await release.put(`${agentPath('9.2.1')}.sha512`, 'x');
  await server.rescan();
  t.is((await fetch(`${server.url}/downloads/${agentPath('9.2.3')}`)).status, 404);
  t.true(server.lines.some(({ message }) => message.includes('was asked for and is in quarantine')));
  t.is((await fetch(`${server.url}/downloads/${agentPath('9.2.1')}`)).status, 503, 'good until now');
  t.is((await fetch(`${server.url}/downloads/${agentPath('9.2.2')}`)).status, 200);
});

test('an artifact that the disk does not give is 503 for clients, and told once with its cause', async (t) => {
  const folder = await scratch(t);
  await writeFile(join(folder, 'a.pt'), randomBytes(300_000));
  const server = await startArtifacts(t, { 'models-path': folder });
  const disk = failingDisk(t);
  const model = join(folder, 'a.pt');
  const ask = (range: string): Promise<Response> =>
    fetch(`${server.url}/ml-models/a.pt`, { headers: { range } });
  t.is((await ask('bytes=0-')).status, 206);
  for (const from of [undefined, 0]) {
    disk.fail(model, { code: 'EIO', ...(from !== undefined && { from }) });
    const answers = [await ask('bytes=0-'), await ask('bytes=5-9')];
    t.deepEqual(
      answers.map(({ status, headers }) => [status, headers.get('retry-after')]),
      [
        [503, '30'],
        [503, '30'],
      ],
    );
    disk.mend(model);
  }
  const told = server.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
  t.is(told.length, 1);
  t.true(told[0]?.startsWith(`${model}: `), told[0]);
  t.is((await ask('bytes=0-')).status, 206);
});
