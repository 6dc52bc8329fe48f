import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { installProductDocs, loadModel, parseXmlKeys, updateEndpoint } from '../support/store-clients.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { createReleaseSite, treeOf, type ReleaseSite } from '../support/release-site.ts';
import { buildZip } from '../support/zip-builder.ts';

const model = 'elser_model_2_linux-x86_64';
const blobs = {
  '/downloads/endpoint/global/artifact/endpointpe-v4-model-v1.0.47': Buffer.from('model of the endpoint'),
  '/downloads/endpoint/global/artifact/diagnostic-rules-linux-v1-1.0.93': Buffer.from('rules'),
};
// One of them is JSON, and is served as such.
const configuration = '/downloads/endpoint/global/artifact/diagnostic-configuration-v1-5.json';
const manifestPath = '/downloads/endpoint/manifest/artifacts-9.2.1.zip';

const setUp = async (t: ExecutionContext): Promise<ReleaseSite> => {
  const site = await createReleaseSite(t);
  site.upstream.addDefend('9.2.1', blobs);
  site.upstream.addModel(model, Buffer.alloc(2_000_000, 'weights'));
  site.upstream.addDocs('9.2');
  await site.define(`defend: [9.2.1]\nmodels: [${model}]\ndocs: ["9.2"]\n`, '');
  return site;
};

const serve = (t: ExecutionContext, to: string): ReturnType<typeof startArtifacts> =>
  startArtifacts(t, {
    'artifacts-path': to,
    'models-path': join(to, 'ml-models'),
    'product-docs-path': join(to, 'product-docs'),
  });

test('models are synced and taken by Elasticsearch: description, vocabulary, weights by size and digest', async (t) => {
  const { run, to, upstream } = await setUp(t);
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  const { url } = await serve(t, to);
  const taken = await loadModel(`${url}/ml-models`, model);
  t.deepEqual(taken.weights, upstream.files.get(`/${model}.pt`));
  t.deepEqual(taken.vocabulary, ['[PAD]', '[UNK]', 'the']);
});

test('product docs are synced and found by Kibana in the list at the root', async (t) => {
  const { run, to, upstream } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const { url } = await serve(t, to);
  const root = `${url}/product-docs`;
  t.deepEqual(
    parseXmlKeys(await (await fetch(`${root}/`)).text()),
    ['elasticsearch', 'kibana', 'observability', 'security'].map((name) => `kb-product-doc-${name}-9.2.zip`),
  );
  for (const product of ['elasticsearch', 'kibana', 'observability', 'security']) {
    const zip = await installProductDocs(root, product, '9.2');
    t.deepEqual(zip, upstream.files.get(`/kb-product-doc-${product}-9.2.zip`));
  }
});

test('the files of Elastic Defend are synced and taken by an endpoint, whose ETag stays while they do', async (t) => {
  const { run, to, upstream } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const { url, rescan } = await serve(t, to);
  const first = await updateEndpoint(url, '9.2.1', undefined);
  t.deepEqual([...first.files.keys()].toSorted(), Object.keys(blobs).toSorted());
  for (const [path, content] of Object.entries(blobs)) {
    t.deepEqual(first.files.get(path), content);
  }
  t.is((await run()).artifacts.report.fetched.length, 0);
  await rescan();
  t.true((await updateEndpoint(url, '9.2.1', first.etag)).isUnchanged);

  // A month later there is a newer manifest; one of its files is a new one.
  const newer = {
    '/downloads/endpoint/global/artifact/diagnostic-rules-linux-v1-1.0.94': Buffer.from('newer'),
  };
  upstream.addDefend('9.2.1', { ...blobs, ...newer });
  const month = await run('--prune');
  t.is(month.exitCode, 0, month.stderr);
  t.deepEqual(month.artifacts.report.fetched, [
    'downloads/endpoint/global/artifact/diagnostic-rules-linux-v1-1.0.94',
    manifestPath.slice(1),
  ]);
  await rescan();
  const second = await updateEndpoint(url, '9.2.1', first.etag);
  t.false(second.isUnchanged);
  t.is(second.files.size, 3);
});

test('a file of Elastic Defend that is JSON is taken, from a depot as upstream too', async (t) => {
  const outer = await setUp(t);
  outer.upstream.addDefend('9.2.1', { ...blobs, [configuration]: Buffer.from('{"a":1}') });
  t.is((await outer.run()).exitCode, 0);
  const { url } = await serve(t, outer.to);
  const inner = await setUp(t);
  await inner.define('defend: [9.2.1]\nreferences:\n', `  artifacts: ${url}\n`, false);
  const { exitCode, stderr } = await inner.run();
  t.is(exitCode, 0, stderr);
  const isDefend = ([path]: [string, string]): boolean => path.startsWith('downloads/');
  t.deepEqual(
    Object.entries(treeOf(inner.to)).filter(isDefend),
    Object.entries(treeOf(outer.to)).filter(isDefend),
  );
});

test('a manifest is not renewed where a file that it refers to does not come, so no endpoint is sent astray', async (t) => {
  const { run, to, upstream } = await setUp(t);
  await run();
  const before = treeOf(to);
  const path = '/downloads/endpoint/global/artifact/new-v1';
  upstream.addDefend('9.2.1', { ...blobs, [path]: Buffer.from('as it should be') });
  upstream.files.set(path, Buffer.from('as it is, alas!'));
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 3);
  t.deepEqual(
    artifacts.report.failed.map(({ label }) => label),
    [path.slice(1), manifestPath.slice(1)],
  );
  t.regex(artifacts.report.failed[0]?.reason ?? '', /its sha256 is .*the manifest says/);
  t.regex(artifacts.report.failed[1]?.reason ?? '', /refers to 1 file that did not come/);
  t.deepEqual(treeOf(to), before);
});

test('a manifest that is a page, or refers to something outside, is told; the rest comes', async (t) => {
  const { run, upstream } = await setUp(t);
  upstream.files.set(manifestPath, Buffer.from('<html>Sign in</html>'));
  const page = await run();
  t.is(page.exitCode, 3);
  t.regex(page.artifacts.report.failed[0]?.reason ?? '', /the manifest is no zip/);
  upstream.addDefend('9.2.1', { '/downloads/../../etc/passwd': Buffer.from('x') });
  t.regex((await run()).artifacts.report.failed[0]?.reason ?? '', /which is no path below \/downloads\//);
});

test('weights that are cut or another, descriptions that are a page, and docs that are none are refused', async (t) => {
  const { run, to, upstream } = await setUp(t);
  const set = (path: string, content: string | Buffer): void =>
    void upstream.files.set(path, Buffer.from(content));
  const weights = upstream.files.get(`/${model}.pt`) ?? Buffer.alloc(0);
  const other = Buffer.from(weights);
  other[1_000_000] = 0;
  const cases: readonly [string, string | Buffer, RegExp][] = [
    [`/${model}.pt`, weights.subarray(0, 1000), /has 1000 bytes, its \.metadata\.json says 2000000/],
    [`/${model}.pt`, other, /its sha256 is .*its \.metadata\.json says/],
    [`/${model}.pt`, '<html>Sign in</html>', /is a web page/],
    [`/${model}.metadata.json`, '<html>Sign in</html>', /metadata\.json: what came is a web page/],
    [`/${model}.vocab.json`, 'vocabulary', /vocab\.json: it is no JSON/],
    ['/kb-product-doc-kibana-9.2.zip', '<html>Sign in</html>', /is a web page/],
    [
      '/kb-product-doc-kibana-9.2.zip',
      (upstream.files.get('/kb-product-doc-kibana-9.2.zip') ?? Buffer.alloc(0)).subarray(0, 200),
      /no zip that can be read/,
    ],
    [
      '/kb-product-doc-kibana-9.2.zip',
      buildZip([{ name: 'readme.txt', content: 'x' }]),
      /has no manifest\.json, so it is no product docs/,
    ],
  ];
  for (const [path, content, reason] of cases) {
    const good = upstream.files.get(path) ?? Buffer.alloc(0);
    set(path, content);
    const { exitCode, artifacts } = await run();
    t.is(exitCode, 3);
    t.regex(artifacts.report.failed[0]?.reason ?? '', reason, path);
    set(path, good);
    await rm(to, { recursive: true });
  }
  const { exitCode } = await run();
  t.is(exitCode, 0);
  t.is(treeOf(to)[`ml-models/${model}.pt`], createHash('sha256').update(weights).digest('hex'));
});
