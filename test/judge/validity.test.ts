import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { get } from '../support/client.ts';
import { packageFiles, writeFolderPackage, writeZipPackage, type PackageSpec } from '../support/packages.ts';
import { serveFolder } from '../support/served-folder.ts';
import { buildZip } from '../support/zip-builder.ts';

const fieldsFile = 'data_stream/log/fields/base-fields.yml';
const pipelines = 'data_stream/log/elasticsearch/ingest_pipeline';
const keyword = (name: string): string => `- name: ${name}\n  type: constant_keyword\n`;
const timestamp = "- name: '@timestamp'\n  type: date\n";
const streamFields = ['type', 'dataset', 'namespace'].map((name) => keyword(`data_stream.${name}`)).join('');
const group = (fields: readonly string[]): string =>
  `- name: data_stream\n  type: group\n  fields:\n${fields.map((name) => keyword(name).replaceAll(/^/gm, '    ').trimEnd()).join('\n')}\n`;
const all = ['type', 'dataset', 'namespace'];

/** Reasons by the package's name; each is served as an archive and as a folder, with one answer. */
const judge = async (
  t: ExecutionContext,
  specs: Readonly<Record<string, PackageSpec>>,
): Promise<Readonly<Record<string, string>>> => {
  const { app } = await serveFolder(t, async (root) => {
    for (const [name, spec] of Object.entries(specs)) {
      await writeZipPackage(root, { ...spec, name });
      await writeFolderPackage(root, { ...spec, name, version: '2.0.0' });
    }
  });
  const { packages, quarantine } = await app.ready;
  const reasonsOf = (label: string): string =>
    quarantine.find((one) => one.label === label)?.reasons.join('; ') ?? '';
  const results = Object.keys(specs).map((name) => {
    const reasons = [reasonsOf(`${name}-1.0.0.zip`), reasonsOf(`${name}/2.0.0`)];
    t.is(reasons[0], reasons[1], name);
    t.is(packages.filter(({ record }) => record.name === name).length, reasons[0] === '' ? 2 : 0, name);
    return [name, reasons[0] ?? ''] as const;
  });
  return Object.fromEntries(results);
};

const withFields = (content: string, more: Readonly<Record<string, string>> = {}): PackageSpec => ({
  files: { [fieldsFile]: content, ...more },
});
const extra = (file: string, content: string): Readonly<Record<string, string>> => ({
  [`data_stream/log/fields/${file}`]: content,
});

test('a required field is looked for by its full name, then in the first group of that name', async (t) => {
  const reasons = await judge(t, {
    grouped: withFields(group(all) + timestamp),
    mixed: withFields(keyword('data_stream.type') + group(all.slice(1)) + timestamp),
    flow: withFields(`[{name: data_stream, fields: [{name: type, type: constant_keyword}, {name: dataset,
  type: constant_keyword}, {name: namespace, type: constant_keyword}]}, {name: '@timestamp', type: date}]\n`),
    several_files: withFields(streamFields, extra('more.yml', timestamp)),
    typed_in_group: withFields(`- name: data_stream.type\n${group(all)}${timestamp}`),
    second_group: withFields(group(['type']) + group(all) + timestamp),
    too_deep: withFields(streamFields + `- name: a\n  fields:\n    - name: '@timestamp'\n      type: date\n`),
  });
  for (const name of ['grouped', 'mixed', 'flow', 'several_files', 'typed_in_group']) {
    t.is(reasons[name], '', name);
  }
  t.regex(reasons['second_group'] ?? '', /fields: lacks the field data_stream\.dataset \(constant_keyword\)/);
  t.regex(reasons['too_deep'] ?? '', /fields: lacks the field @timestamp \(date\)/);
});

test('the first field of a name counts, in the order of the files', async (t) => {
  const keywordTime = "- name: '@timestamp'\n  type: keyword\n";
  const external = "- name: '@timestamp'\n  external: ecs\n";
  const reasons = await judge(t, {
    right_first: withFields(streamFields + timestamp + keywordTime, extra('ecs.yml', external)),
    wrong_first: withFields(streamFields + keywordTime + timestamp),
    wrong_file_first: withFields(streamFields + timestamp, extra('agent.yml', keywordTime)),
    untyped_first: withFields(streamFields + timestamp, extra('agent.yml', external)),
  });
  t.is(reasons['right_first'], '');
  for (const name of ['wrong_first', 'wrong_file_first']) {
    t.regex(reasons[name] ?? '', /the field @timestamp is of type "keyword", date is wanted/, name);
  }
  t.regex(reasons['untyped_first'] ?? '', /lacks the field @timestamp \(date\)/);
});

test('a field without a name hides those behind it, and no others', async (t) => {
  const reasons = await judge(t, {
    behind: withFields(`${streamFields + timestamp}- type: keyword\n`),
    before: withFields(`- type: keyword\n${streamFields}${timestamp}`),
    empty: withFields(`-\n${streamFields}${timestamp}`),
    of_another: withFields(`- name: a\n  fields:\n    - type: keyword\n${streamFields}${timestamp}`),
    scalar: withFields(`- just text\n${streamFields}${timestamp}`),
    nothing: withFields('', extra('z.yml', streamFields + timestamp)),
    mapping: withFields('name: a\n', extra('z.yml', streamFields + timestamp)),
  });
  for (const name of ['behind', 'of_another', 'nothing']) {
    t.is(reasons[name], '', name);
  }
  for (const name of ['before', 'empty']) {
    t.regex(reasons[name] ?? '', /a field without a name hides what follows it/, name);
  }
  for (const name of ['scalar', 'mapping']) {
    t.regex(reasons[name] ?? '', /base-fields\.yml: is no YAML list of fields/, name);
  }
});

test('a folder among the fields files is refused, where the source declares it', async (t) => {
  const { app } = await serveFolder(t, (root) =>
    writeFolderPackage(root, { name: 'nested', files: { 'data_stream/log/fields/more/x.yml': '' } }),
  );
  const { quarantine } = await app.ready;
  t.regex(quarantine[0]?.reasons.join() ?? '', /^data_stream\/log\/fields\/more: is a folder/);
});

test('named pipelines are there and parse, and none lies there unused', async (t) => {
  const without = { [`${pipelines}/default.yml`]: undefined };
  const own = { ingest_pipeline: 'own' };
  const named = { elasticsearch: { ingest_pipeline: { name: 'own' } } };
  const reasons = await judge(t, {
    none: { files: without },
    empty: { files: { [`${pipelines}/default.yml`]: '# to come\n' } },
    old_key: { dataStream: own, files: { ...without, [`${pipelines}/own.json`]: '{}' } },
    absent: { dataStream: own, files: without },
    elsewhere: { dataStream: named },
    absent_default: { dataStream: { ...named, ingest_pipeline: 'own' } },
    unused: { files: { ...without, [`${pipelines}/other.yml`]: 'processors: []\n' } },
    named_below: {
      dataStream: named,
      files: { ...without, [`${pipelines}/own.yml`]: 'processors: []\n' },
    },
    list: { files: { [`${pipelines}/default.yml`]: '- set: {}\n' } },
    no_json: { files: { ...without, [`${pipelines}/default.json`]: '{' } },
  });
  for (const name of ['none', 'empty', 'old_key', 'named_below', 'elsewhere']) {
    t.is(reasons[name], '', name);
  }
  for (const name of ['absent', 'absent_default']) {
    t.regex(
      reasons[name] ?? '',
      /manifest\.yml: the ingest pipeline .*\/own\.yml \(or \.json\) is not in/,
      name,
    );
  }
  t.regex(reasons['unused'] ?? '', /log\/manifest\.yml: ingest_pipeline is not set .*other\.yml is unused/);
  t.regex(reasons['list'] ?? '', /default\.yml: is no ingest pipeline/);
  t.regex(reasons['no_json'] ?? '', /default\.json: is no JSON/);
});

test('a version folder agrees with the manifest but for build metadata', async (t) => {
  const { app } = await serveFolder(t, async (root) => {
    for (const [name, folder] of [
      ['same', '1.0.0+other'],
      ['plain', '1.0.0'],
      ['different', '1.0.1'],
    ] as const) {
      const path = await writeFolderPackage(root, { name, version: '1.0.0+build' });
      await rename(path, join(root, name, folder));
    }
  });
  const { packages, quarantine } = await app.ready;
  t.deepEqual(
    packages.map(({ record }) => `${record.name} ${record.version}`),
    ['plain 1.0.0+build', 'same 1.0.0+build'],
  );
  t.regex(quarantine[0]?.reasons[0] ?? '', /^manifest\.yml: version is "1\.0\.0\+build", but the folder/);
});

test('a folder has no hyphen in its name; of an archive only folders with an entry count, as in the reference', async (t) => {
  const file = 'kibana/some-thing/x.json';
  const archive = (name: string, folders: readonly string[]): Buffer =>
    buildZip([
      ...folders.map((path) => ({ name: `${name}-1.0.0/${path}/` })),
      ...Object.entries(packageFiles({ name, files: { [file]: '{}' } })).map(([path, content]) => ({
        name: `${name}-1.0.0/${path}`,
        content,
      })),
    ]);
  const { app, url } = await serveFolder(t, async (root) => {
    await writeFolderPackage(root, { name: 'unpacked', files: { [file]: '{}' } });
    await writeFile(join(root, 'declared-1.0.0.zip'), archive('declared', ['kibana', 'kibana/some-thing']));
    await writeFile(join(root, 'implied-1.0.0.zip'), archive('implied', ['kibana']));
  });
  const { packages, quarantine } = await app.ready;
  t.deepEqual(
    packages.map(({ record }) => record.name),
    ['implied'],
  );
  t.deepEqual(
    quarantine.map(({ label, reasons }) => `${label}: ${reasons.join()}`),
    [
      'declared-1.0.0.zip: the folder "kibana/some-thing" has a hyphen in its name',
      'unpacked/1.0.0: the folder "kibana/some-thing" has a hyphen in its name',
    ],
  );
  t.is((await get(url, `/package/implied/1.0.0/${file}`)).text, '{}');
});
