import test from 'ava';
import { parseYaml } from '../../src/archive/yaml.ts';
import { decodeDataStream } from '../../src/domain/data-stream.ts';
import { expandDottedKeys } from '../../src/domain/dotted-keys.ts';
import { readFields } from '../../src/domain/fields.ts';
import { renderJson } from '../../src/domain/json.ts';
import { decodeManifest } from '../../src/domain/manifest.ts';
import { createProblemList } from '../../src/domain/problem.ts';
import { isMap, type TreeMap } from '../../src/domain/tree.ts';

/** What the answers were is what go-ucfg 0.8.8, the library that reads the reference's manifests, made of the same YAML. */
const read = (yaml: string): TreeMap => {
  const tree = expandDottedKeys(parseYaml(Buffer.from(yaml), { textKeys: true }));
  return isMap(tree) ? tree : {};
};

const decode = (yaml: string): { answer: Readonly<Record<string, unknown>>; reasons: readonly string[] } => {
  const problems = createProblemList();
  const fields = readFields(read(`name: demo\nversion: 1.0.0\n${yaml}\n`), 'manifest.yml', problems);
  const decoded = decodeManifest(fields, { hasFile: () => false, unknownCategory: () => undefined });
  const broken = problems.all.filter(({ kind }) => kind === 'broken').map(({ reason }) => reason);
  return { answer: JSON.parse(renderJson(decoded?.info ?? {})) as Record<string, unknown>, reasons: broken };
};

const decodeStreams = (
  yaml: string,
  tell: (reasons: readonly string[]) => void = () => undefined,
): Readonly<Record<string, unknown>> => {
  const problems = createProblemList();
  const fields = readFields(
    read(`type: logs\ntitle: Log\n${yaml}\n`),
    'data_stream/log/manifest.yml',
    problems,
  );
  const context = { package: 'demo', release: 'ga', folder: 'log', hasFile: () => false };
  const decoded = decodeDataStream(fields, context);
  tell(problems.all.map(({ reason }) => reason));
  return JSON.parse(renderJson(decoded)) as Record<string, unknown>;
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
  t.deepEqual(settings('{"0": a, b: c, d: {"0": a, e: f}}'), { b: 'c', d: { '0': 'a', e: 'f' } });
});

test('what is named with a dot is absent where a value stands in its way', (t) => {
  for (const value of ['5', 'text', 'yes', '[a]', '[]', '{}', '~']) {
    const { streams, elasticsearch } = decodeStreams(
      `streams: []\nelasticsearch: {index_template: ${value}, ingest_pipeline: ${value}}`,
      (reasons) => t.deepEqual(reasons, [], value),
    );
    t.is(streams, undefined);
    t.deepEqual(elasticsearch, {}, value);
  }
});

test('a number that no JSON can hold is refused where it would be answered, and is text where text is wanted', (t) => {
  for (const value of ['.inf', '-.inf', '.nan', '{a: [.inf]}']) {
    t.regex(
      decode(`vars: [{name: v, default: ${value}}]`).reasons.join(),
      /^vars\[0\]\.default has a number that no JSON can hold/,
    );
    decodeStreams(`elasticsearch: {index_template: {settings: {a: ${value}}}}`, (reasons) =>
      t.regex(reasons.join(), /^elasticsearch\.index_template\.settings has a number/),
    );
  }
  t.deepEqual(decode('other: .inf\ngroup: .nan'), decode('group: NaN'));
});

test('a float below zero that is none keeps its sign, as in the answers of the reference', (t) => {
  const problems = createProblemList();
  const fields = readFields(
    read('vars: [{name: v, default: [-0.0, -0, 1e6, 1000000, 1e21]}]'),
    'manifest.yml',
    problems,
  );
  const decoded = decodeManifest(fields, { hasFile: () => false, unknownCategory: () => undefined });
  t.is(decoded, undefined);
  t.is(renderJson({ v: fields.list('vars')[0]?.free('default') }, 0), '{"v":[-0,0,1000000,1000000,1e+21]}');
});

test('a text is true or false by the words of Go, which are fewer than those of YAML', (t) => {
  const multiple = (value: string): unknown => {
    const { answer, reasons } = decode(`policy_templates:\n  - ${template}\n    multiple: ${value}`);
    return reasons.length > 0
      ? reasons.join()
      : (answer['policy_templates'] as { multiple: unknown }[])[0]?.multiple;
  };
  t.deepEqual(['yes', '"true"', '"1"', '"T"', 'off', '"f"'].map(multiple), [
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
  for (const value of ['"on"', '"yes"', '1', '""']) {
    t.regex(String(multiple(value)), /multiple is .*, true or false is wanted/, value);
  }
});

test('what the reference reads and replaces must be what it wants: other values break the package', (t) => {
  for (const key of ['download', 'path', 'readme', 'signature_path']) {
    t.deepEqual(decode(`${key}: 5`), decode(''), key);
    t.regex(decode(`${key}: {a: b}`).reasons.join(), new RegExp(`^${key} is a mapping, text is wanted`));
  }
  t.regex(decode('assets: [{a: b}]').reasons.join(), /^assets\[0\] is a mapping/);
  t.regex(decode('icons: [{src: /a.svg, path: [a]}]').reasons.join(), /^icons\[0\]\.path is a list/);
});

test('what a file or a folder would tell is as the manifest says where it says so', (t) => {
  const { answer } = decode(`policy_templates:\n  - ${template}\n    readme: docs/own.md`);
  t.is((answer['policy_templates'] as { readme: unknown }[])[0]?.readme, 'docs/own.md');
  t.like(decodeStreams('package: other\npath: elsewhere'), { package: 'other', path: 'elsewhere' });
  t.like(decodeStreams('package: ~\npath: ~'), { package: 'demo', path: 'log' });
  t.false('path' in decodeStreams('path: ""'));
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
    '999999.0': '999999',
    '1e6': '1e+06',
    '12345678.0': '1.2345678e+07',
    '1000000': '1000000',
    '12345678': '12345678',
    '-0': '0',
    '-0.0': '-0',
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
