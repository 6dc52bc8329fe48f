import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { getJson } from '../support/client.ts';
import {
  packageFiles,
  writeFolder,
  writeFolderPackage,
  writeZip,
  writeZipPackage,
  type PackageSpec,
  type PackageTree,
} from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';
import { buildZip } from '../support/zip-builder.ts';

const template = {
  name: 'demo',
  title: 'Demo',
  description: 'Demo.',
  categories: ['web', 'made_up_tomorrow'],
  input: 'logfile',
  icons: [{ src: '/img/not-there.svg' }],
  deployment_modes: {
    default: { enabled: false },
    agentless: { enabled: true, is_default: true, release: 'beta', organization: 'x' },
  },
  inputs: [{ type: 'logfile' }, { package: 'sql', title: 'SQL', description: '' }],
};

const specs: readonly PackageSpec[] = [
  {
    name: 'sparse',
    manifest: {
      source: { other: 'x' },
      discovery: { other: ['x'] },
      policy_templates: [template],
      agent: { privileges: { root: true } },
    },
    dataStream: {
      streams: [{ input: 'logfile' }, { input: 'cel', title: '', description: null }],
      agent: { privileges: { root: true } },
    },
  },
  { name: 'unprivileged', dataStream: { agent: { privileges: { root: false } } } },
  {
    name: 'piped',
    dataStream: { elasticsearch: { ingest_pipeline: { name: 'own' } } },
    files: { 'data_stream/log/elasticsearch/ingest_pipeline/own.yml': 'processors: []\n' },
  },
  {
    name: 'defaulted',
    dataStream: { ingest_pipeline: 'old', elasticsearch: { privileges: { indices: ['read'] } } },
  },
  {
    name: 'old_key',
    dataStream: { ingest_pipeline: 'old' },
    files: { 'data_stream/log/elasticsearch/ingest_pipeline/old.json': 'null\n' },
  },
  { name: 'hidden', files: { 'docs/.DS_Store/x-y/file': '', 'img/.DS_Store_old': '', 'docs/.keep': '' } },
];

const server = serverFor(test, async (root) => {
  for (const spec of specs) {
    await writeZipPackage(root, spec);
    await writeFolderPackage(root, { ...spec, version: '2.0.0' });
  }
  const { name, files } = ordered();
  const entries = Object.entries(files('1.0.0')).map(([path, content]) => ({
    name: `${name}-1.0.0/${path}`,
    content,
  }));
  await writeFile(join(root, `${name}-1.0.0.zip`), buildZip(entries));
  await writeFolder(join(root, name, '2.0.0'), files('2.0.0'));
  await writeZip(join(root, 'tagged-1.0.0.zip'), 'tagged-1.0.0', tagged('1.0.0'));
  await writeFolder(join(root, 'tagged', '2.0.0'), tagged('2.0.0'));
});

/** The first text of each file is tagged, in manifests, fields and a pipeline. */
const tagged = (version: string): PackageTree => {
  const files = packageFiles({
    name: 'tagged',
    version,
    dataStream: { elasticsearch: { ingest_pipeline: { name: 'own' } } },
    files: { 'data_stream/log/elasticsearch/ingest_pipeline/own.yml': '!custom\nprocessors: !!seq []\n' },
  });
  const edit = (path: string, from: RegExp, to: string): void => {
    files[path] = String(files[path]).replace(from, to);
  };
  edit('manifest.yml', /^title: .*$/m, 'title: !!str 10');
  edit('manifest.yml', /^description: .*$/m, 'description: !secret "known to few"');
  edit('data_stream/log/manifest.yml', /^title: .*$/m, 'title: !!binary TG9n');
  edit('data_stream/log/fields/base-fields.yml', /name: /, 'name: !!str ');
  return files;
};

/** Three data streams, in an archive not in the order of their names. */
const ordered = (): { name: string; files: (version: string) => PackageTree } => ({
  name: 'ordered',
  files: (version) => {
    const made = Object.entries(packageFiles({ name: 'ordered', version }));
    const streams = ['z', 'log', 'a'].flatMap((folder) =>
      made
        .filter(([path]) => path.startsWith('data_stream/'))
        .map(([path, content]) => [path.replace('/log/', `/${folder}/`), content] as const),
    );
    return Object.fromEntries([...made.filter(([path]) => !path.startsWith('data_stream/')), ...streams]);
  },
});

interface Info {
  readonly title: string;
  readonly description: string;
  readonly source: object;
  readonly agent: object;
  readonly assets: readonly string[];
  readonly policy_templates: readonly Readonly<Record<string, unknown>>[];
  readonly data_streams: readonly Readonly<Record<string, unknown>>[];
}
const infos = async (name: string): Promise<readonly Info[]> =>
  Promise.all(
    ['1.0.0', '2.0.0'].map((version) => getJson<Info>(server().url, `/package/${name}/${version}/`)),
  );

test('explicit tags of YAML are read as the reference reads them', async (t) => {
  for (const info of await infos('tagged')) {
    t.is(info.title, '10');
    t.is(info.description, 'known to few');
    t.is(info.data_streams[0]?.['title'], 'Log');
  }
});

test('texts that are absent or empty are left out, and so are mappings of unknown keys alone', async (t) => {
  for (const info of await infos('sparse')) {
    t.deepEqual(info.source, {});
    t.false('discovery' in info);
    t.deepEqual(info.policy_templates[0]?.['inputs'], [
      { type: 'logfile' },
      { package: 'sql', title: 'SQL' },
    ]);
    t.deepEqual(info.data_streams[0]?.['streams'], [
      { input: 'logfile', template_path: 'stream.yml.hbs', enabled: true, ingestion_method: 'File' },
      { input: 'cel', template_path: 'stream.yml.hbs', enabled: true, ingestion_method: 'API' },
    ]);
  }
});

test('a package and a data stream say by themselves that they need a privileged agent', async (t) => {
  for (const info of await infos('sparse')) {
    t.deepEqual(info.agent, { privileges: { root: true } });
    t.deepEqual(info.data_streams[0]?.['agent'], { privileges: { root: true } });
    const keys = Object.keys(info.data_streams[0] ?? {});
    t.deepEqual(keys.slice(keys.indexOf('package')), ['package', 'agent', 'path']);
  }
  for (const info of await infos('unprivileged')) {
    t.deepEqual(info.data_streams[0]?.['agent'], { privileges: {} });
  }
});

test('a policy template keeps unknown categories, and images that are not there', async (t) => {
  for (const [at, info] of (await infos('sparse')).entries()) {
    const [shown] = info.policy_templates;
    t.deepEqual(shown?.['categories'], ['web', 'made_up_tomorrow']);
    const path = `/package/sparse/${at + 1}.0.0/img/not-there.svg`;
    t.deepEqual(shown?.['icons'], [{ src: '/img/not-there.svg', path }]);
  }
  t.true(
    server().lines.some(({ message }) =>
      message.includes('policy_templates[0].icons[0].src names "/img/not-'),
    ),
  );
});

test('only templates of input packages have an ingestion method', async (t) => {
  for (const info of await infos('sparse')) {
    t.is(info.policy_templates[0]?.['input'], 'logfile');
    t.is(info.policy_templates[0]?.['ingestion_method'], undefined);
  }
});

test('the agentless mode tells whether it is the default', async (t) => {
  for (const info of await infos('sparse')) {
    t.is(
      JSON.stringify(info.policy_templates[0]?.['deployment_modes']),
      '{"default":{"enabled":false},"agentless":{"enabled":true,"is_default":true,"release":"beta"}}',
    );
  }
});

test('the default pipeline goes before the old key, unless elasticsearch names another', async (t) => {
  for (const { data_streams: streams } of await infos('piped')) {
    t.is(streams[0]?.['ingest_pipeline'], 'default');
    t.deepEqual(streams[0]?.['elasticsearch'], { 'ingest_pipeline.name': 'own' });
  }
  for (const { data_streams: streams } of await infos('defaulted')) {
    t.is(streams[0]?.['ingest_pipeline'], 'default');
    t.like(streams[0]?.['elasticsearch'], { 'ingest_pipeline.name': 'default' });
  }
  for (const { data_streams: streams } of await infos('old_key')) {
    t.is(streams[0]?.['ingest_pipeline'], 'old');
    t.false('elasticsearch' in (streams[0] ?? {}));
  }
});

test('whatever has .DS_Store in its path is no asset', async (t) => {
  for (const { assets } of await infos('hidden')) {
    t.false(assets.some((path) => path.includes('.DS_Store')));
    t.true(assets.some((path) => path.endsWith('/docs/.keep')));
  }
});

test('data streams and assets stand in the order of the archive, or of the names in a folder', async (t) => {
  for (const [version, order] of [
    ['1.0.0', ['z', 'log', 'a']],
    ['2.0.0', ['a', 'log', 'z']],
  ] as const) {
    const info = await getJson<Info>(server().url, `/package/ordered/${version}/`);
    t.deepEqual(
      info.data_streams.map(({ path }) => path),
      order,
    );
    const manifests = info.assets.filter((path) => path.endsWith('/manifest.yml')).slice(1);
    t.deepEqual(
      manifests,
      order.map((path) => `/package/ordered/${version}/data_stream/${path}/manifest.yml`),
    );
  }
});
