import test from 'ava';
import fc from 'fast-check';
import { readPlainYaml } from '../../src/archive/plain-yaml.ts';
import { parseYaml } from '../../src/archive/yaml.ts';
import type { YamlValue } from '../../src/archive/yaml-scalars.ts';

const sample = `---
# A file with all that is usual
- name: data_stream.type
  type: constant_keyword
  description: Data stream type.   # not more
  'quoted key': 'it''s'
  spaced key : "a\\tb \\"c\\""
- name: data_stream
  fields:
    - name: dataset
      description: >
        Where it goes,
          with more than one line.
        And on.

        And a paragraph.

    - name: namespace
      description: 'It''s written

        over lines.'
      nothing:
      multi_fields:
        - name: text
          type: match_only_text
- name: '@timestamp'
  normalize:
  - array
  - 10.10.10.10
  - 0777
  - 1_000
  - -1.5e3
  - yes
  - ~
  pattern: ^[a-z]{2}(-[a-z]{2})$
  flow: [a, 'b', "c", 1, [x.y], {k: v, "l": [true]}, ]
  long:
    [
      {
        "append": { "value": "{{ x }}" },
      }
    ]
- script:
    source: |-
      if (ctx.a != null) {
        ctx.b = "\\d: #";
      # no comment

      }
    lang: >-
      a
      b
    kept: |+
      a

    text: some words
      - over lines: no
    more: some words

      over {lines}
    below:
      a text of its own
      and more
`.replace('- over lines: no', '- over lines');

/** What the library says: with the end of the document marked, a file is no plain one. */
const parsed = (text: string): YamlValue | Error => {
  try {
    return parseYaml(Buffer.from(`${text}${text.endsWith('\n') ? '' : '\n'}...\n`));
  } catch (error) {
    return error as Error;
  }
};

const shown = (value: YamlValue | Error | undefined): string =>
  value instanceof Error
    ? `error: ${value.message}`
    : (JSON.stringify(value, (_key, one: unknown) =>
        typeof one === 'bigint' || (typeof one === 'number' && !Number.isFinite(one))
          ? `${one} as number`
          : one,
      ) ?? 'nothing');

test('a plain file is read as the parser reads it', (t) => {
  const plain = readPlainYaml(sample);
  t.not(plain, undefined);
  t.deepEqual(plain, parsed(sample) as YamlValue);
});

test('scalars on one line are what they are to the parser', (t) => {
  const scalars = [
    '~',
    'null',
    'NULL',
    'y',
    'No',
    'on',
    'True',
    'tRUE',
    'nothing',
    'yes sir',
    '<<',
    '=',
    '.',
    '-',
    '-a',
    '?a',
    '0',
    '-0',
    '007',
    '0o7',
    '0x1F',
    '0b11',
    '1_0',
    '1.',
    '.5',
    '1e3',
    '.inf',
    '-.INF',
    '.nan',
    '12345678901234567890',
    '1e999',
    '99999999999999999999999',
    '2020-01-01',
    '1:30',
    'a:b',
    'a#b',
    'a #b',
    "a'b",
    'a"b',
    '(a)',
    '[]',
    '{}',
    '[a]',
    '{a: 1}',
    '@a',
    '%a',
    '`a',
    '&a',
    '*a',
    '!a',
    ',a',
    '|',
    '>',
    "'a' b",
    '"a"b',
    "''",
    '""',
    '"\\x41"',
    '"\\u0041"',
    'é',
    '\u00a0a',
    'a:',
    ': a',
    'a: b',
    '- a',
    '-',
    '[a',
    '{a}',
    '[a:b]',
    '[a: b]',
    '[,]',
    '[a,,b]',
    '["a":1]',
    '{"a":1}',
    "{'a': 'b'}",
  ];
  for (const scalar of scalars) {
    for (const text of [
      `key: ${scalar}\n`,
      `- ${scalar}\n`,
      `- [${scalar}]\n`,
      `${scalar}: 1\n`,
      `k:\n  ${scalar}\n`,
    ]) {
      const plain = readPlainYaml(text);
      if (plain !== undefined) {
        t.is(shown(plain), shown(parsed(text)), JSON.stringify(text));
      }
    }
  }
});

test('what needs a parser is left to it', (t) => {
  const odd = [
    '',
    'a',
    '[a]',
    '# nothing',
    'a: &b c',
    'a: *b',
    'a: !!str b',
    '? a\n: b',
    '--- a',
    'a: b\n---\nb: c',
    '%YAML 1.1',
    'a: b\n\tc: d',
    'a: b: c',
    'a: b\r\n',
    'a: "\\',
    "a: 'b",
    'a: |2\n   b',
    'a: |\n  b',
    'a: |+\n  b\n  ',
    '- - a',
    'a: b\n  c: d',
    'a:\n    b: c\n  d: e',
    'a: |\n    b\n  c\n',
    "a: 'b\nc'",
    'a: [b,\nc]',
    '<<: {a: b}',
    'yes: 1',
    '__proto__: {a: b}',
  ];
  for (const text of odd) {
    t.is(readPlainYaml(text), undefined, JSON.stringify(text));
  }
});

test('a file that nests without end is left to the parser', (t) => {
  const deep = Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');
  t.is(readPlainYaml(deep), undefined);
  t.is(readPlainYaml(`a: ${'['.repeat(10_000)}\n`), undefined);
});

test('whatever is changed in a file, an answer is that of the parser', (t) => {
  const signs = [
    ...' :-#\'"|>{}[]&*!%@,?a0~\n\t\\',
    '  ',
    '\n  ',
    '\n      ',
    '- ',
    ': ',
    ' #',
    '\n- name: ',
    "''",
    '<<: ',
    '\n\n',
  ];
  const edit = fc.tuple(fc.nat(sample.length), fc.nat(3), fc.constantFrom('', ...signs));
  let answered = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      let text = sample;
      for (const [at, dropped, added] of edits) {
        text = text.slice(0, at) + added + text.slice(at + dropped);
      }
      const plain = readPlainYaml(text);
      if (plain === undefined) {
        return true;
      }
      answered++;
      return shown(plain) === shown(parsed(text));
    }),
    { numRuns: 30_000 },
  );
  t.true(answered > 400, `${answered}`);
});
