import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { load } from 'js-yaml';
import { createContentReader } from '../../src/judge/content.ts';
import { judgePackage } from '../../src/judge/judge.ts';
import { createLearnedContent } from '../../src/judge/learned-content.ts';
import { createDirectorySource } from '../../src/source/directory.ts';
import type { ArchiveLimits } from '../../src/source/source.ts';
import { createLog } from '../../src/telemetry/create-log.ts';
import { silentLog } from '../../src/telemetry/silent-log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

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
      if (fields.has(name)) {
        throw new Error(`${dataStream}: ${name} is declared twice`);
      }
      fields.set(name, field);
    }
  }
  return fields;
};

/** Every value under a key, at any depth. */
const valuesOf = (value: unknown, key: string): unknown[] => {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
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

const limits: ArchiveLimits = {
  maxEntries: 1000,
  maxEntryBytes: 1 << 20,
  maxTotalBytes: 1 << 24,
  maxRatio: 100,
  maxManifestBytes: 1 << 20,
};

test('every package that comes with the server passes its own strict validation, without a warning', async (t) => {
  const source = createDirectorySource(join(process.cwd(), 'packages'), limits, silentLog);
  const { refs, problems } = await source.list();
  t.deepEqual(problems, []);
  t.is(refs.length, 1);
  for (const ref of refs) {
    const files = await source.open(ref);
    const reader = createContentReader(files, limits.maxManifestBytes, createLearnedContent());
    const { info, problems: found, warnings } = await judgePackage(ref, files, reader, false);
    await files.close();
    t.deepEqual(found, []);
    t.deepEqual(warnings, []);
    t.is(info?.name, 'fleet_depot');
    t.deepEqual(
      info?.data_streams?.map((dataStream) => dataStream.dataset),
      ['fleet_depot.log', 'fleet_depot.metrics'],
    );
  }
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
      for (const [, name] of template.matchAll(/\{\{#(?:if|each) (\w+)/g)) {
        t.true(declared.has(String(name)), name);
      }
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
    for (const name of fields.keys()) {
      t.true(readme.includes(`| ${name.replace('*', '\\*')} | `), `README lacks ${name}`);
    }
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

test('every metric and label that the server gives is a declared field', async (t) => {
  const metrics = createMetrics({ version: '0.1.0', process: true });
  metrics.certificateExpires(() => new Date(0));
  metrics.readFaults(() => 0);
  metrics.indexChanged({ packages: 1, quarantined: 0, generation: 1 });
  metrics.indexAsked('memory', 0.1);
  metrics.storageAsked('packages', 'package');
  metrics.requestStarted();
  const measure = { status: 200, method: 'GET', route: '/search', seconds: 0.1 };
  metrics.requestFinished({ ...measure, requestBytes: 0, responseBytes: 2 });
  const fields = await fieldsOf('metrics');
  const lines = (await metrics.text()).split('\n').filter((line) => /^(epr|fleet_depot)_/.test(line));
  t.true(lines.length > 10);
  for (const line of lines) {
    const [, name, labels] = /^(\w+)(\{.*\})? /.exec(line) ?? [];
    t.true(fields.has(`prometheus.metrics.${name}`), line);
    for (const [, label] of (labels ?? '').matchAll(/[{,](\w+)=/g)) {
      t.true(fields.has(`prometheus.labels.${label}`), line);
    }
  }
});

test('every field of a log line of the server is a declared field', async (t) => {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    type: 'ecs',
    version: '0.1.0',
    output: { write: (line) => void lines.push(line), flush: () => undefined, end: () => undefined },
  });
  log.error({ err: new Error('gone'), 'event.action': 'test', 'package.name': 'nginx' }, 'a line');
  const fields = await fieldsOf('log');
  t.is(lines.length, 1);
  const written: unknown = JSON.parse(lines[0] ?? '');
  // Elastic Agent writes the host of an event itself.
  const unknown = leaves(written).filter((name) => !fields.has(name) && !name.startsWith('host.'));
  t.deepEqual(unknown, []);
});
