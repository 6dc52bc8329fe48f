import test from 'ava';
import { parseYaml } from '../../src/archive/yaml.ts';
import { decodeDataStream } from '../../src/domain/data-stream.ts';
import { readFields } from '../../src/domain/fields.ts';
import { renderJson } from '../../src/domain/json.ts';
import { decodeManifest } from '../../src/domain/manifest.ts';
import { createProblemList } from '../../src/domain/problem.ts';
import { expandDottedKeys, isMap, type TreeMap } from '../../src/domain/tree.ts';

/** What the answers were is what go-ucfg 0.8.8, the library that reads the reference's manifests, made of the same YAML. */
const read = (yaml: string): TreeMap => {
  const tree = expandDottedKeys(parseYaml(Buffer.from(yaml)));
  return isMap(tree) ? tree : {};
};

const decode = (yaml: string): { answer: Readonly<Record<string, unknown>>; reasons: readonly string[] } => {
  const problems = createProblemList();
  const fields = readFields(read(`name: demo\nversion: 1.0.0\n${yaml}\n`), 'manifest.yml', problems);
  const decoded = decodeManifest(fields, { hasFile: () => false, unknownCategory: () => undefined });
  const broken = problems.all.filter(({ kind }) => kind === 'broken').map(({ reason }) => reason);
  return { answer: JSON.parse(renderJson(decoded?.info ?? {})) as Record<string, unknown>, reasons: broken };
};

const decodeStreams = (yaml: string): Readonly<Record<string, unknown>> => {
  const fields = readFields(
    read(`type: logs\ntitle: Log\n${yaml}\n`),
    'data_stream/log/manifest.yml',
    createProblemList(),
  );
  const context = { package: 'demo', release: 'ga', folder: 'log', hasFile: () => false };
  return JSON.parse(renderJson(decodeDataStream(fields, context))) as Record<string, unknown>;
};

const template = 'name: t\n    title: T\n    description: D.';

test('streams of an input are answered as they are written, those of a data stream with defaults', (t) => {
  const streams =
    '[{input: logfile, data_stream: access}, {input: udp, enabled: false, ingestion_method: X}]';
  const { answer } = decode(
    `policy_templates:\n  - ${template}\n    inputs: [{type: logfile, streams: ${streams}}]`,
  );
  const [first] = answer['policy_templates'] as { inputs: readonly object[] }[];
  t.deepEqual(first?.inputs, [
    {
      type: 'logfile',
      streams: [
        { input: 'logfile', data_stream: 'access' },
        { input: 'udp', enabled: false, ingestion_method: 'X' },
      ],
    },
  ]);
  t.deepEqual(decodeStreams(`streams: ${streams}`)['streams'], [
    {
      input: 'logfile',
      data_stream: 'access',
      template_path: 'stream.yml.hbs',
      enabled: true,
      ingestion_method: 'File',
    },
    {
      input: 'udp',
      template_path: 'stream.yml.hbs',
      enabled: false,
      ingestion_method: 'Network Protocol',
    },
  ]);
});

test('a template keeps the ingestion method that it names, where it has none by its input', (t) => {
  const { answer } = decode(`policy_templates:\n  - ${template}\n    ingestion_method: Own`);
  t.like((answer['policy_templates'] as object[])[0], { ingestion_method: 'Own' });
});

test('a mapping that is there is answered, also where it holds nothing', (t) => {
  for (const source of ['{}', '[]', '[[]]', '{license: null}', '{license: ""}', '{other: {}}']) {
    t.deepEqual(decode(`source: ${source}`).answer['source'], {}, source);
  }
  t.false('source' in decode('source: ~').answer);
  t.deepEqual(decode('conditions: {elastic: {}}').answer['conditions'], { elastic: { subscription: '' } });
  t.regex(decode('conditions: {kibana: {}}').reasons.join(), /conditions\.kibana\.version is ""/);
});

test('where a list is wanted a mapping has the elements that its keys number', (t) => {
  t.false('vars' in decode('vars: {name: a}').answer);
  t.deepEqual(decode('categories: {"0": aws, "1": web}').answer['categories'], ['aws', 'web']);
  t.deepEqual(decode('categories: aws').answer['categories'], ['aws']);
  t.deepEqual(decode('categories: {a: aws}'), decode(''));
});

test('a default is read as the reference reads free values', (t) => {
  const written = {
    '{}': undefined,
    '~': undefined,
    '[]': [],
    '""': '',
    '{a: {}}': { a: null },
    '[{}, []]': [null, []],
    '{"0": a, "1": b}': ['a', 'b'],
    '{"2": a}': [null, null, 'a'],
    '{a.0: x, a.1: z}': { a: ['x', 'z'] },
    '{"0": a, b: c}': { '0': 'a', b: 'c' },
    '{"1025": a}': { '1025': 'a' },
    '{a.b: 2, a: null}': { a: { b: 2 } },
    '{a: null, a.b: 2}': { a: { b: 2 } },
  };
  for (const [value, expected] of Object.entries(written)) {
    const [variable] = decode(`vars: [{name: v, type: text, default: ${value}}]`).answer['vars'] as {
      default?: unknown;
    }[];
    t.deepEqual(variable?.default, expected, value);
  }
});

test('nulls at the top of index settings are left out, and so are settings of nothing else', (t) => {
  const settings = (value: string): unknown =>
    (
      decodeStreams(`elasticsearch: {index_template: {settings: ${value}}}`)['elasticsearch'] as Record<
        string,
        unknown
      >
    )['index_template.settings'];
  t.deepEqual(settings('{a: null, b: {c: null, d: {}}, e: []}'), { b: { c: null, d: null }, e: [] });
  for (const value of ['{}', '[]', '{a: {}}', '~', '{"0": a}']) {
    t.is(settings(value), undefined, value);
  }
});

test('numbers where text is wanted are written as Go writes them', (t) => {
  const written = {
    '8.10': '8.1',
    '0.00001': '1e-05',
    '0.0001': '0.0001',
    '123456.5': '123456.5',
    '1234567.5': '1.2345675e+06',
    '1e-7': '1e-07',
    '100000000000000000000': '1e+20',
    '18446744073709551615': '18446744073709551615',
    '.inf': '+Inf',
    '-.inf': '-Inf',
    '.nan': 'NaN',
    yes: 'true',
  };
  for (const [value, expected] of Object.entries(written)) {
    t.is(decode(`group: ${value}`).answer['group'], expected, value);
  }
});
