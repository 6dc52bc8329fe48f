import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import anyTest, { type TestFn } from 'ava';
import { createMessage, generateKey, sign } from 'openpgp';
import { ZipFile } from 'yazl';
import { ask, readApiDescription, type ApiDescription } from '../support/api-description.ts';
// To be wired: starts the real server on a free port of the loopback address.
import { startServer } from '../support/server.ts';

interface Context {
  readonly api: ApiDescription;
  readonly url: string;
  readonly close: () => Promise<void>;
}
const test = anyTest as TestFn<Context>;

const name = 'fleet_depot';
const version = '0.1.0';
const content = join(process.cwd(), 'packages');

/** A folder with our own package as an archive, signed by a key of the moment. */
const signedArchive = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'depot-api-'));
  const archive = join(folder, `${name}-${version}.zip`);
  const root = join(content, name, version);
  const zip = new ZipFile();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) {
      continue;
    }
    const path = join(entry.parentPath, entry.name);
    zip.addFile(path, `${name}-${version}/${relative(root, path)}`);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(archive));
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'test' }],
    format: 'object',
  });
  const message = await createMessage({ binary: await readFile(archive) });
  const signature = await sign({ message, signingKeys: privateKey, detached: true });
  await writeFile(`${archive}.sig`, String(signature));
  return folder;
};

test.before(async (t) => {
  const folder = await signedArchive();
  const server = await startServer({ packagePaths: [folder, content], requirePackageSignatures: false });
  t.context = {
    api: await readApiDescription(),
    url: server.url,
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
});

test.after.always((t) => t.context.close());

interface Case {
  /** Path template in openapi.yaml. */
  readonly template: string;
  readonly path: string;
  readonly status: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const revision = '/package/{name}/{version}/';
const file = '/package/{name}/{version}/{path}';
const archive = '/epr/{folder}/{name}-{version}.zip';
const signature = '/epr/{folder}/{name}-{version}.zip.sig';
const ours = `/package/${name}/${version}/`;
const ourArchive = `/epr/${name}/${name}-${version}.zip`;

const found: readonly Case[] = [
  { template: '/', path: '/', status: 200 },
  { template: '/index.json', path: '/index.json', status: 200 },
  { template: '/health', path: '/health', status: 200 },
  { template: '/health', path: '/health?ready=true', status: 200 },
  { template: '/health', path: '/health?live=true', status: 200 },
  { template: '/search', path: '/search', status: 200 },
  { template: '/search', path: '/search?package=nosuch_package', status: 200 },
  { template: '/categories', path: '/categories', status: 200 },
  { template: revision, path: ours, status: 200 },
  ...['docs/README.md', 'manifest.yml', 'img/icon.svg', 'img/screenshot.png'].map((path) => ({
    template: file,
    path: ours + path,
    status: 200,
  })),
  { template: archive, path: ourArchive, status: 200 },
  { template: archive, path: `/epr/package/${name}-${version}.zip`, status: 200 },
  { template: signature, path: `${ourArchive}.sig`, status: 200 },
  { template: '/favicon.ico', path: '/favicon.ico', status: 200 },
];

const goodValues: Readonly<Record<string, string>> = {
  'kibana.version': '9.2.0',
  'agent.version': '9.2.0',
  category: 'observability',
  package: name,
  type: 'integration',
  capabilities: 'fleet,observability',
  'spec.min': '2.3',
  'spec.max': '3.6',
  all: 'true',
  prerelease: 'true',
  experimental: 'true',
  discovery: 'fields:process.pid',
  internal: 'true',
  include_policy_templates: 'true',
};

const badValues: Readonly<Record<string, string>> = {
  'kibana.version': 'x',
  'agent.version': 'x',
  'spec.min': '2.10.1',
  'spec.max': '2.10.1',
  all: 'x',
  prerelease: 'x',
  experimental: 'x',
  discovery: 'x',
  include_policy_templates: 'x',
};

const partial: readonly Case[] = [
  { template: file, path: `${ours}docs/README.md` },
  { template: archive, path: ourArchive },
  { template: signature, path: `${ourArchive}.sig` },
].flatMap((target) => [
  { ...target, status: 206, headers: { range: 'bytes=0-9' } },
  { ...target, status: 416, headers: { range: 'bytes=99999999-' } },
]);

const refused: readonly Case[] = [
  { template: '/package/{name}/{version}', path: ours.slice(0, -1), status: 301 },
  { template: revision, path: `/package/nosuch_package/1.0.0/`, status: 404 },
  { template: revision, path: `/package/${name}/99.0.0/`, status: 404 },
  { template: revision, path: `/package/${name}/x.y.z/`, status: 400 },
  { template: file, path: `/package/nosuch_package/1.0.0/manifest.yml`, status: 404 },
  { template: file, path: `${ours}nosuch.yml`, status: 404 },
  { template: file, path: `${ours}docs`, status: 404 },
  { template: file, path: `/package/${name}/x.y.z/manifest.yml`, status: 400 },
  { template: archive, path: `/epr/${name}/${name}-99.0.0.zip`, status: 404 },
  { template: archive, path: `/epr/${name}/${name}-x.zip`, status: 400 },
  { template: signature, path: `/epr/${name}/${name}-99.0.0.zip.sig`, status: 404 },
  { template: signature, path: `/epr/${name}/${name}-x.zip.sig`, status: 400 },
];

const addressOf = (template: string): string =>
  found.find((one) => one.template === template)?.path ?? ours.slice(0, -1);

const query = (template: string, key: string, value: string): string =>
  `${template}?${key}=${encodeURIComponent(value)}`;

const cases = (api: ApiDescription): Case[] => [
  ...found,
  ...partial,
  ...refused,
  ...['/search', '/categories'].flatMap((template) =>
    api
      .queryParameters(template)
      .flatMap((key) => [
        { template, path: query(template, key, goodValues[key] ?? ''), status: 200 },
        ...(key in badValues
          ? [{ template, path: query(template, key, badValues[key] ?? ''), status: 400 }]
          : []),
      ]),
  ),
  ...api.paths.map((template) => ({ template, path: addressOf(template), status: 405, method: 'POST' })),
];

test('every path and status of openapi.yaml is asked for here, and no other', async (t) => {
  const { api } = t.context;
  const known = new Set(cases(api).map((one) => `${one.template} ${one.status}`));
  const described = api.paths.flatMap((path) =>
    api
      .statuses(path)
      // 304 and 412 have their own tests; a server that is not ready or at fault is not to be had here.
      .filter((status) => ![304, 412, 500, 503].includes(status))
      .map((status) => `${path} ${status}`),
  );
  t.deepEqual([...known].sort(), described.sort());
});

test('every good value is one of a described parameter', (t) => {
  const { api } = t.context;
  const described = new Set([...api.queryParameters('/search'), ...api.queryParameters('/categories')]);
  t.deepEqual(Object.keys(goodValues).sort(), [...described].sort());
});

test('every answer has the status, headers, content type and body that openapi.yaml describes', async (t) => {
  const { api, url } = t.context;
  for (const { template, path, status, method, headers } of cases(api)) {
    const answer = await ask(url, path, { ...(method && { method }), ...(headers && { headers }) });
    const label = `${method ?? 'GET'} ${path}`;
    t.is(answer.status, status, label);
    t.deepEqual(api.judge(template, answer), [], label);
  }
});

test('HEAD has the headers of GET and no body', async (t) => {
  const { api, url } = t.context;
  for (const { template, path } of found) {
    const head = await ask(url, path, { method: 'HEAD' });
    const get = await ask(url, path);
    t.is(head.status, get.status, path);
    t.is(head.body.length, 0, path);
    t.is(head.headers['content-type'], get.headers['content-type'], path);
    t.deepEqual(api.judge(template, head, 'HEAD'), [], path);
  }
});

test('every answer with an ETag is 304 to a client that has it', async (t) => {
  const { api, url } = t.context;
  const described = new Set(api.paths.filter((path) => api.statuses(path).includes(304)));
  for (const { template, path } of found.filter((one) => described.has(one.template))) {
    const { headers } = await ask(url, path);
    const answer = await ask(url, path, { headers: { 'if-none-match': headers['etag'] ?? '' } });
    t.is(answer.status, 304, path);
    t.is(answer.body.length, 0, path);
    t.deepEqual(api.judge(template, answer), [], path);
  }
});

test('every answer with an ETag is 412 to a client that wants another', async (t) => {
  const { api, url } = t.context;
  const described = new Set(api.paths.filter((path) => api.statuses(path).includes(412)));
  for (const { template, path } of found.filter((one) => described.has(one.template))) {
    const answer = await ask(url, path, { headers: { 'if-match': '"another"' } });
    t.is(answer.status, 412, path);
    t.deepEqual(api.judge(template, answer), [], path);
  }
});

test('our own package is found as it is described', async (t) => {
  const { url } = t.context;
  const { body } = await ask(url, `/search?package=${name}&kibana.version=9.2.0`);
  const items = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>[];
  t.deepEqual(
    items.map((item) => [item['name'], item['version'], item['signature_path']]),
    [[name, version, `${ourArchive}.sig`]],
  );
});

test('a member that openapi.yaml does not know is noticed', (t) => {
  const { api } = t.context;
  const headers = {
    'content-type': 'application/json',
    'access-control-allow-origin': '*',
    'cache-control': 'max-age=600, public',
    etag: '"a"',
  };
  const judge = (body: unknown): string[] =>
    api.judge('/categories', { status: 200, headers, body: Buffer.from(JSON.stringify(body)) });
  t.deepEqual(judge([{ id: 'web', title: 'Web Server', count: 1 }]), []);
  t.is(judge([{ id: 'web', title: 'Web Server', count: 1, extra: true }]).length, 1);
  t.is(judge([{ id: 'web', title: 'Web Server', count: '1' }]).length, 1);
});
