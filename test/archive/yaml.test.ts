import test from 'ava';
import fc from 'fast-check';
import { parseYaml } from '../../src/archive/yaml.ts';
import { DepotError } from '../../src/domain/errors.ts';

const read = (text: string): unknown => parseYaml(Buffer.from(text));

/** As Go's yaml.v2 reads them, measured with version 2.4. */
const scalars: readonly (readonly [string, unknown])[] = [
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (text) => [text, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (text) => [text, false] as const,
  ),
  ...['', '~', 'null', 'Null', 'NULL'].map((text) => [text, null] as const),
  ['yEs', 'yEs'],
  ['010', 8],
  ['0o10', 8],
  ['0x1F', 31],
  ['0b101', 5],
  ['-0x10', -16],
  ['1_000', 1000],
  ['+12', 12],
  ['999999', 999999],
  ['1000000', 1000000n],
  ['-1000000', -1000000n],
  ['1e6', 1000000],
  ['1000000.0', 1000000],
  ['09', 9],
  ['2020-01-01', '2020-01-01'],
  ['2020-01-01T10:00:00Z', '2020-01-01T10:00:00Z'],
  ['12:30:45', '12:30:45'],
  ['1e3', 1000],
  ['1e400', '1e400'],
  ['1.10', 1.1],
  ['.5', 0.5],
  ['1.', 1],
  ['.inf', Number.POSITIVE_INFINITY],
  ['-.INF', Number.NEGATIVE_INFINITY],
  ['9007199254740993', 9007199254740993n],
  ['18446744073709551615', 18446744073709551615n],
  ['1.2.3', '1.2.3'],
  ['"yes"', 'yes'],
  ["'010'", '010'],
  ['"~"', '~'],
];

/** Explicit tags, measured likewise. */
const tagged: readonly (readonly [string, unknown])[] = [
  ...['!!str 5', '!custom 5', '! 5', '!!foo 5', '!<tag:example.com,2000:x> 5', '!!map 5', '!!st%72 5'].map(
    (text) => [text, '5'] as const,
  ),
  ...['!<constructor> x', '!<__proto__> x', '!!python/object:os.system x', '!custom "x"'].map(
    (text) => [text, 'x'] as const,
  ),
  ...['!!str', '!custom', "!!str ''"].map((text) => [text, ''] as const),
  ['!!str ~', '~'],
  ['!!str yes', 'yes'],
  ['!custom yes', 'yes'],
  ['!!timestamp 2001-01-01', '2001-01-01'],
  ['!!int "5"', 5],
  ['!!int 010', 8],
  ['!!float 5', 5],
  ['!!float 010', 8],
  ['!!float "5.5"', 5.5],
  ['!!bool "yes"', true],
  ["!!null ''", null],
  ['!!null ~', null],
  ['!!binary aGVsbG8=', 'hello'],
  ['!!binary |\n  aGVs\n  bG8=', 'hello'],
  ['!!binary |\n  aGVs\n  bG8=\n', 'hello'],
  ['!custom {b: 1}', { b: 1 }],
  ['!!int [1, yes]', [1, true]],
  ['!!seq {b: 1}', { b: 1 }],
  ['!!set {b, c}', { b: null, c: null }],
  ['!<constructor> {b: 1}', { b: 1 }],
  ['!!omap [b: 1]', [{ b: 1 }]],
];

for (const [text, expected] of tagged) {
  test(`${JSON.stringify(text)} is ${JSON.stringify(expected)}`, (t) => {
    t.deepEqual(read(`v: ${text}\n`), { v: expected });
  });
}

test('a tag before a key, of a whole document and beside an anchor is read as well', (t) => {
  t.deepEqual(read('!!str a: 1\n!custom b: 2\n'), { a: 1, b: 2 });
  t.deepEqual(read('--- !custom\na: 1\n'), { a: 1 });
  t.deepEqual(read('a: &x !!str 5\nb: *x\nc: !!str &y 6\nd: *y\n'), { a: '5', b: '5', c: '6', d: '6' });
  t.deepEqual(read('%TAG !e! tag:example.com,2000:\n---\na: !e!x 5\n'), { a: '5' });
  t.deepEqual(read('!!str <<: {b: 1}\na: 2\n'), { '<<': { b: 1 }, a: 2 });
  t.deepEqual(read('!custom\na: &a !custom {b: 1}\nc:\n  <<: *a\n'), { a: { b: 1 }, c: { b: 1 } });
});

for (const [text, expected] of scalars) {
  test(`"${text}" is ${typeof expected} ${String(expected)}`, (t) => {
    t.deepEqual(read(`v: ${text}\n`), { v: expected });
  });
}

test('the last of two equal keys wins, merges are merged where they stand, __proto__ is a key', (t) => {
  t.deepEqual(read('a: 1\na: 2\n'), { a: 2 });
  t.deepEqual(read('a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n'), { a: { b: 1 }, c: { b: 1, d: 2 } });
  t.deepEqual(read('{a: 2, <<: {a: 1}}'), { a: 1 });
  t.deepEqual(read('{<<: {a: 1}, a: 2}'), { a: 2 });
  t.deepEqual(read('{a: 2, <<: [{a: 1, c: 5}, {a: 3, b: 4, c: 6}], b: 7}'), { a: 1, c: 5, b: 7 });
  t.deepEqual(read('{<<: {a: 1}, b: 2, <<: {a: 3}}'), { a: 3, b: 2 });
  const tree = read('__proto__: {polluted: true}\n') as Record<string, unknown>;
  t.deepEqual(Object.keys(tree), ['__proto__']);
  t.is(({} as Record<string, unknown>)['polluted'], undefined);
});

test('a block scalar has no line break at its end where the text ends before it', (t) => {
  const texts: readonly (readonly [string, unknown])[] = [
    ['a: |\n  b', { a: 'b' }],
    ['a: |\n  b\n', { a: 'b\n' }],
    ['a: |\r\n  b\r\n', { a: 'b\n' }],
    ['a: >\n  b\n  c', { a: 'b c' }],
    ['a: |+\n  b', { a: 'b' }],
    ['a: |-\n  b', { a: 'b' }],
    ['- a: 1\n  b:\n    - c\n    - |\n      d\n      e', [{ a: 1, b: ['c', 'd\ne'] }]],
    ['a: |\n  b\nc: 5', { a: 'b\n', c: 5 }],
    ['a: |\n  b\nc: "x"', { a: 'b\n', c: 'x' }],
    ['a: |\n  b\n# end', { a: 'b\n' }],
    ['a: |\n  b\nc: {d: [1, 2]}', { a: 'b\n', c: { d: [1, 2] } }],
    ['|\n  b', 'b'],
  ];
  for (const [text, expected] of texts) {
    t.deepEqual(read(text), expected, JSON.stringify(text));
  }
});

test('a key that is no text becomes text, or is refused with its line where only text is a key', (t) => {
  for (const key of ['5', '1.5', 'yes', 'y', '~', '!!int "5"', '0x1F', '[a]', '{a: b}']) {
    const bytes = Buffer.from(`a: 1\nb:\n  ? ${key}\n  : 2\n`);
    const error = t.throws(() => parseYaml(bytes, { textKeys: true }), { instanceOf: DepotError }, key);
    t.regex(error?.message ?? '', /^line \d: .* is no (?:text|key)/, key);
  }
  t.deepEqual(read('{5: a, yes: b, ~: c}'), { '5': 'a', true: 'b', null: 'c' });
  const texts = Buffer.from('"5": a\n"yes": b\n!!str 6: c\n2020-01-01: d\n<<: {e: f}\n');
  const expected = { '5': 'a', yes: 'b', '6': 'c', '2020-01-01': 'd', e: 'f' };
  t.deepEqual(parseYaml(texts, { textKeys: true }), expected);
});

test('lines that the standard calls too little indented are taken, as in real packages', (t) => {
  t.deepEqual(read('a:\n  b: "one\ntwo"\nc: 1\n'), { a: { b: 'one two' }, c: 1 });
  t.deepEqual(read('a: [\n  1,\n  2\n]\nb: {\n  c: 1\n}\n'), { a: [1, 2], b: { c: 1 } });
});

test('tabs before and in flow collections, and comments right behind quotes and brackets are taken, as by yaml.v2', (t) => {
  const written: readonly (readonly [string, unknown])[] = [
    ['a:\t[x]\nb: 1\n', { a: ['x'], b: 1 }],
    ['a: [b,\tc, "d\te"]\n', { a: ['b', 'c', 'd\te'] }],
    ['- a: \t{x: "1"}# c\n  c: d\n', [{ a: { x: '1' }, c: 'd' }]],
    ['a: "x"# c\nb: \'y\'#\n', { a: 'x', b: 'y' }],
    ['a: [x, "y"#z\n]\nb: {c: d}#\n', { a: ['x', 'y'], b: { c: 'd' } }],
    ['a: >-# c\n  x\n  y\nb: |#\n  z\n', { a: 'x y', b: 'z\n' }],
    ['a: x# c\n', { a: 'x# c' }],
  ];
  for (const [text, expected] of written) {
    t.deepEqual(parseYaml(Buffer.from(text)), expected, text);
  }
});

test('only the first document counts, whatever follows it; an empty one is null', (t) => {
  t.deepEqual(read('a: 1\n---\nb: 2\n'), { a: 1 });
  t.deepEqual(read('# c\n%YAML 1.1\n---\na: 1\n...\n{no YAML: [\n'), { a: 1 });
  t.deepEqual(read('a: |\n  ---\n  b\n--- "no\n'), { a: '---\nb\n' });
  t.deepEqual(read('---\n--- x\n'), null);
  t.deepEqual(read('--- {a: 1}\n--- x: y\n'), { a: 1 });
  t.is(read(''), null);
  t.is(read('# nothing\n'), null);
});

const refused: Readonly<Record<string, readonly [Buffer | string, RegExp]>> = {
  'bytes that are no UTF-8': [Buffer.from([0x61, 0x3a, 0x20, 0xff]), /is not valid UTF-8/],
  'UTF-16': [Buffer.from('\ufeffa: 1', 'utf16le'), /is not valid UTF-8/],
  'a tab as indentation': ['a:\n\tb: 1\n', /line 2: /],
  'a quote that is not closed': ['a: "b\n', /line \d+: /],
  'a text that is not what its tag says': ['a: 1\nb: !!int x\n', /line 2: .*int/],
  'a time that is none': ['a: !!timestamp yesterday\n', /line 1: .*timestamp/],
  'a tag that is not declared': ['a: !e!x 5\n', /line 1: .*tag/],
  'base64 that is none': ['a: !!binary a-_\n', /line 1: .*binary/],
  'an alias without an anchor': ['a: *b\n', /line 1: /],
  '10,000 levels of brackets': [`a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, /line 1: .*(depth|nest)/i],
  '10,000 levels of lines': [
    Array.from({ length: 10_000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
    /line \d+: .*(depth|nest)/i,
  ],
  'aliases that multiply': [
    [
      'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
      ...Array.from(
        { length: 12 },
        (_, at) => `a${at + 1}: &a${at + 1} [${Array(10).fill(`*a${at}`).join(',')}]`,
      ),
    ].join('\n'),
    /aliases multiply/,
  ],
  'an alias that holds itself': ['a: &a [*a]\n', /alias|anchor/],
};

for (const [title, [bytes, reason]] of Object.entries(refused)) {
  test(`${title}: refused with a reason`, (t) => {
    const error = t.throws(() => parseYaml(Buffer.from(bytes)), { instanceOf: DepotError });
    t.is(error?.code, 'YAML_INVALID');
    t.regex(error?.message ?? '', reason);
  });
}

test('any bytes are read or refused, and nothing else is thrown', (t) => {
  const signs = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '  ',
    '"',
    "'",
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '<<',
    '!',
    '|',
    '>',
    '#',
    '---',
    '?',
    ',',
    '\t',
    '~',
    '0',
    '\ufeff',
    '%',
  );
  const source = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.array(signs, { maxLength: 40 }).map((list) => Buffer.from(list.join(''))),
  );
  fc.assert(
    fc.property(source, (bytes) => {
      try {
        parseYaml(bytes);
        return true;
      } catch (error) {
        return error instanceof DepotError && error.code === 'YAML_INVALID';
      }
    }),
    { numRuns: 5000 },
  );
  t.pass();
});
