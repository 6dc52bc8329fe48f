import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { load } from 'js-yaml';

type Tree = Record<string, unknown>;
const root = join(process.cwd(), 'packages/fleet_depot/0.1.0');
const text = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const yaml = async (path: string): Promise<unknown> => load(await text(path));
const tree = (value: unknown): Tree => value as Tree;
const trees = (value: unknown): Tree[] => value as Tree[];

const dataStreams = ['log', 'metrics'] as const;

const fieldsOf = async (dataStream: string): Promise<Map<string, Tree>> => {
  const fields = new Map<string, Tree>();
  for (const file of ['base-fields.yml', 'fields.yml', 'ecs.yml']) {
    for (const field of trees(await yaml(`data_stream/${dataStream}/fields/${file}`))) {
      const name = String(field['name']);
      if (fields.has(name)) throw new Error(`${dataStream}: ${name} is declared twice`);
      fields.set(name, field);
    }
  }
  return fields;
};

/** Every value under a key, at any depth. */
const valuesOf = (value: unknown, key: string): unknown[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === key ? [inner] : []),
    ...valuesOf(inner, key),
  ]);
};

const leaves = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`))
    : [path];

const dashboards = async (): Promise<{ file: string; object: Tree; panels: Tree[] }[]> => {
  const files = await readdir(join(root, 'kibana/dashboard'));
  return Promise.all(
    files.map(async (file) => {
      const object = tree(JSON.parse(await text(`kibana/dashboard/${file}`)));
      const panels: unknown = JSON.parse(String(tree(object['attributes'])['panelsJSON']));
      return { file, object, panels: trees(panels) };
    }),
  );
};

test('the manifest agrees with its folder and its pictures are there', async (t) => {
  const manifest = tree(await yaml('manifest.yml'));
  t.is(manifest['name'], 'fleet_depot');
  t.is(manifest['version'], basename(root));
  const pictures = [...trees(manifest['icons']), ...trees(manifest['screenshots'])];
  t.is(pictures.length, 2);
  for (const picture of pictures) {
    const bytes = await readFile(join(root, String(picture['src'])));
    t.true(bytes.length > 0 && bytes.length < 150_000);
    if (picture['type'] === 'image/png') {
      t.is(picture['size'], `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`);
    }
  }
  t.is(String(tree(trees(await yaml('changelog.yml'))[0])['version']), String(manifest['version']));
});

test('no folder name has a hyphen', async (t) => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  t.deepEqual(
    entries.filter((entry) => entry.isDirectory() && entry.name.includes('-')),
    [],
  );
});

for (const dataStream of dataStreams) {
  test(`data stream ${dataStream} has the required fields and templates for the inputs of the package`, async (t) => {
    const fields = await fieldsOf(dataStream);
    for (const name of ['data_stream.type', 'data_stream.dataset', 'data_stream.namespace']) {
      t.is(fields.get(name)?.['type'], 'constant_keyword', name);
    }
    t.is(fields.get('@timestamp')?.['type'], 'date');
    const inputs = valuesOf(await yaml('manifest.yml'), 'inputs')
      .flatMap(trees)
      .map((input) => input['type']);
    const streams = trees(tree(await yaml(`data_stream/${dataStream}/manifest.yml`))['streams']);
    for (const stream of streams) {
      t.true(inputs.includes(stream['input']), String(stream['input']));
      const path = String(stream['template_path'] ?? 'stream.yml.hbs');
      const template = await text(`data_stream/${dataStream}/agent/stream/${path}`);
      // Every variable that a template uses is one that the stream or its input declares.
      const declared = new Set(
        valuesOf(await yaml('manifest.yml'), 'vars')
          .flatMap(trees)
          .concat(trees(stream['vars']))
          .map((entry) => String(entry['name'])),
      );
      for (const [, name] of template.matchAll(/\{\{#(?:if|each) (\w+)/g))
        t.true(declared.has(String(name)), name);
    }
  });

  test(`data stream ${dataStream} has a pipeline whose processors are tagged and whose failures are kept`, async (t) => {
    const pipeline = tree(await yaml(`data_stream/${dataStream}/elasticsearch/ingest_pipeline/default.yml`));
    const processors = [...trees(pipeline['processors']), ...trees(pipeline['on_failure'])];
    const tags = processors.map((processor) => tree(Object.values(processor)[0])['tag']);
    t.false(tags.includes(undefined));
    t.is(new Set(tags).size, tags.length);
    t.true(trees(pipeline['on_failure']).length > 0);
  });

  test(`the sample event of ${dataStream} and the README know every field`, async (t) => {
    const fields = await fieldsOf(dataStream);
    const readme = await text('docs/README.md');
    for (const name of fields.keys())
      t.true(readme.includes(`| ${name.replace('*', '\\*')} | `), `README lacks ${name}`);
    const added = /^(agent|elastic_agent)\.|^event\.(ingested|agent_id_status)$/;
    const sample: unknown = JSON.parse(await text(`data_stream/${dataStream}/sample_event.json`));
    const unknown = leaves(sample).filter((name) => !fields.has(name) && !added.test(name));
    t.deepEqual(unknown, []);
  });
}

test('the dashboard asks for declared fields only and its references are whole', async (t) => {
  const known = new Set(
    (await Promise.all(dataStreams.map(fieldsOf))).flatMap((fields) => [...fields.keys()]),
  );
  const found = await dashboards();
  t.is(found.length, 1);
  for (const { file, object, panels } of found) {
    t.is(`${String(object['id'])}.json`, file);
    t.true(panels.length >= 5);
    const asked = valuesOf(panels, 'sourceField').filter((name) => name !== '___records___');
    t.deepEqual(
      asked.filter((name) => !known.has(String(name))),
      [],
    );
    const names = trees(object['references']).map((reference) => reference['name']);
    for (const panel of panels) {
      const attributes = tree(tree(panel['embeddableConfig'])['attributes']);
      for (const reference of trees(attributes['references'])) {
        t.true(names.includes(`${String(panel['panelIndex'])}:${String(reference['name'])}`));
      }
    }
  }
});

test('the metrics of the server that the package maps carry the names that the server gives them', async (t) => {
  const fields = await fieldsOf('metrics');
  for (const name of [
    'epr_service_info',
    'epr_number_indexed_packages',
    'epr_storage_requests_total',
    'epr_indexer_get_duration_seconds_bucket',
    'epr_in_flight_requests',
    'epr_http_requests_total',
    'epr_http_request_duration_seconds_bucket',
    'epr_http_request_size_bytes_bucket',
    'epr_http_response_size_bytes_bucket',
    'fleet_depot_quarantined_packages',
    'fleet_depot_index_generation',
    'fleet_depot_certificate_expiry_timestamp_seconds',
  ]) {
    t.true(fields.has(`prometheus.metrics.${name}`), name);
  }
});
