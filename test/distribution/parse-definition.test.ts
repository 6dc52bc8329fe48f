import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { DepotError } from '../../src/domain/errors.ts';
import { parseStrictVersion } from '../../src/domain/version.ts';
import { parseBytes } from '../../src/distribution/fields.ts';
import { parseNamePattern } from '../../src/distribution/name-pattern.ts';
import { parseDefinition } from '../../src/distribution/parse-definition.ts';
import { planSearches } from '../../src/distribution/query-plan.ts';
import { listShipped, loadDefinition, shippedFolder } from '../../src/distribution/shipped.ts';
import { formatLockFile } from '../../src/mirror/record/lock-file.ts';
import { nearestWord } from '../../src/distribution/suggestion.ts';
import { scratch } from '../support/scratch.ts';

const problemOf = (text: string): string => {
  try {
    parseDefinition(text, 'my.yml');
  } catch (error) {
    if (error instanceof DepotError && error.code === 'DEFINITION_INVALID') {
      return error.message;
    }
    throw error;
  }
  return '';
};

// Keys and forms as the public distribution tool reads them.
const publicDefinition = `
address: "https://registry.example"
version.limit: 3

matrix:
  # A comment
  - kibana.version: 8.15.4
    spec.max: 3.0
  - kibana.version: 9.2.0
    spec.min: 2.3
    spec.max: 3.5
  - spec.min: 2.3
    spec.max: 3.6
queries:
  - {}
  - package: nginx
    prerelease: true
    all: true
    version.limit: 0
  - type: integration
    kibana.version: 8.0.0
packages:
  - name: apache
    version: 0.1.3
actions:
  - print:
  - download:
      destination: ./build/packages
      address: https://mirror.example
`;

test('a definition of the public tool works unchanged', (t) => {
  const definition = parseDefinition(publicDefinition, 'public.yml');
  t.is(definition.address, 'https://registry.example');
  t.is(definition.versionLimit, 3);
  t.deepEqual(definition.matrix[0], { kibanaVersion: '8.15.4', specMax: '3.0' });
  t.deepEqual(definition.packages, [{ name: 'apache', version: '0.1.3' }]);
  t.deepEqual(definition.actions, [
    { kind: 'print' },
    { kind: 'download', destination: './build/packages', address: 'https://mirror.example' },
  ]);
});

test('every query runs with every matrix row, the query’s value wins, and equal questions are asked once', (t) => {
  const searches = planSearches(parseDefinition(publicDefinition, 'public.yml'));
  t.deepEqual(
    searches.map((search) => [search.parameters, search.versionLimit, search.client]),
    [
      ['all=true&kibana.version=8.15.4&spec.max=3.0', 3, '8.15.4 -3.0'],
      [
        'all=true&kibana.version=8.15.4&package=nginx&prerelease=true&spec.max=3.0',
        0,
        '8.15.4 -3.0 prereleases',
      ],
      ['all=true&kibana.version=8.0.0&spec.max=3.0&type=integration', 3, '8.0.0 -3.0'],
      ['all=true&kibana.version=9.2.0&spec.max=3.5&spec.min=2.3', 3, '9.2.0 2.3-3.5'],
      [
        'all=true&kibana.version=9.2.0&package=nginx&prerelease=true&spec.max=3.5&spec.min=2.3',
        0,
        '9.2.0 2.3-3.5 prereleases',
      ],
      ['all=true&kibana.version=8.0.0&spec.max=3.5&spec.min=2.3&type=integration', 3, '8.0.0 2.3-3.5'],
      ['all=true&spec.max=3.6&spec.min=2.3', 3, ' 2.3-3.6'],
      ['all=true&package=nginx&prerelease=true&spec.max=3.6&spec.min=2.3', 0, ' 2.3-3.6 prereleases'],
      ['all=true&kibana.version=8.0.0&spec.max=3.6&spec.min=2.3&type=integration', 3, '8.0.0 2.3-3.6'],
    ],
  );
});

test('anchors, aliases, merge keys and plain tags mean what they mean to the public tool', (t) => {
  const definition = parseDefinition(
    `matrix:
  - &newest
    kibana.version: 9.2.0
    spec.max: !!str 3.5
  - <<: *newest
    kibana.version: 9.1.0
  - <<: [{ spec.max: 3.0 }, *newest]
queries: &all
  - all: yes
    prerelease: Off
`,
    'public.yml',
  );
  t.deepEqual(definition.matrix, [
    { kibanaVersion: '9.2.0', specMax: '3.5' },
    { kibanaVersion: '9.1.0', specMax: '3.5' },
    { kibanaVersion: '9.2.0', specMax: '3.0' },
  ]);
  t.deepEqual(definition.queries, [{ all: true, prerelease: false }]);
});

test('merge keys that ask for millions of entries are refused', (t) => {
  const keys = Array.from({ length: 1000 }, (_, index) => `k${index}: 1`).join(', ');
  t.regex(
    problemOf(`a: &a {${keys}}\nb: [${'{<<: *a}, '.repeat(200)}]\n`),
    /line 2: '<<' brings in more than 100000 entries/,
  );
});

test('an unknown key is told with its line and the key that was meant', (t) => {
  t.is(
    problemOf('address: https://a.example\n\nquerys:\n  - package: nginx\n'),
    "my.yml: unknown key 'querys' at line 3: did you mean 'queries'?",
  );
  for (const [word, meant] of [
    ['query: []', 'queries'],
    ['exclusions: []', 'exclude'],
    ['max_size: 1GB', 'max-size'],
    ['queries: [{kibana: {version: 9.2.0}}]', 'kibana.version'],
    ['queries: [{version: 1.0.0}]', 'version.limit'],
    ['queries: [{type: integrations}]', 'integration'],
  ] as const) {
    t.true(problemOf(`keep: 1\n${word}\n`).endsWith(`at line 2: did you mean '${meant}'?`), word);
  }
  t.regex(
    problemOf('queries:\n  - pacakge: nginx\n'),
    /unknown key 'pacakge' at line 2: did you mean 'package'\?/,
  );
  t.regex(
    problemOf('queries:\n  - {}\nactions:\n  - downlaod:\n      destination: x\n'),
    /unknown action 'downlaod' at line 4: did you mean 'download'\?/,
  );
  t.regex(problemOf('queries: [{}]\nzebra: 1\n'), /unknown key 'zebra' at line 2: known are address, matrix/);
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ['', /line 1: the definition is empty/],
  ['queries: nginx\n', /line 1: 'queries' must be a list, not 'nginx'/],
  ['queries:\n  - all: always\n', /line 2: 'all' must be true or false, not 'always'/],
  ['queries: [{}]\ndependencies: yes\n', /line 2: 'dependencies' must be true or false, not 'yes'/],
  ['queries:\n  - spec.max: 3.0.1\n', /line 2: 'spec.max' must be major.minor/],
  ['queries:\n  - kibana.version: nine\n', /line 2: 'kibana.version' must be a version/],
  ['queries: [{}]\npackages:\n  - name: ../x\n    version: 1.0.0\n', /line 3: '..\/x' is no package name/],
  ['queries: [{}]\npackages:\n  - name: x\n    version: 1.0\n', /line 3: '1.0' is no package version/],
  ['queries: [{}]\naddress: ftp://x\n', /line 2: 'address' must be an http or https address/],
  ['references:\n  artifacts: http://x/?a=b\n', /line 2: 'artifacts' must not have a query or a fragment/],
  ['queries: [{}]\nexclude:\n  - name: nginx\n    version: ">>1"\n', /line 3: '>>1' is no version range/],
  ['queries: [{}]\nexclude: [Nginx]\n', /line 2: 'Nginx' is no name pattern/],
  ['queries: [{}]\nkeep: -1\n', /line 2: 'keep' must be a whole number/],
  ['queries: [{}]\nmax-size: lots\n', /line 2: 'max-size' must be a size/],
  ['queries: [{}]\nstrip-screenshots: perhaps\n', /line 2: /],
  ['queries: [{}]\nkeep: 1\nkeep: 2\n', /line 3: the key 'keep' is there twice/],
  ['queries: [{}\n', /line \d/],
  ['queries: [{}]\nmatrix: *a\n', /line 2: no anchor above is named 'a'/],
  ['queries: &a [*a]\n', /line 1: no anchor above is named 'a'/],
  ['queries:\n  - <<: nginx\n', /line 2: '<<' takes a mapping or a list of mappings/],
  ['queries: !!set {a}\n', /line 1: the tag !!set is not supported/],
  ['queries: [{}]\n---\nqueries: [{}]\n', /line 3: a second YAML document begins here/],
  ['- a\n', /line 1: a definition must be a mapping \(key: value\), not a list$/],
  ['keep: 2\nmatrix: [{}]\n', /line 1: nothing is asked for: add 'queries'/],
  ['queries: [{}]\nexclude:\n  - *_otel\n', /line 3: .* needs quotes, as in "\*_otel"/],
  ['queries: [{}]\nexclude: [nginx, *]\n', /line 2: .* needs quotes, as in "\*_otel"/],
  ['queries: [{}]\ninstalled: ""\n', /line 2: 'installed' is empty/],
  ['queries:\n  - spec.min: 3.10\n    spec.max: 3.9\n', /line 2: 'spec.min' 3.10 is above 'spec.max' 3.9/],
];

for (const [text, expected] of wrong) {
  test(`refused with its line: ${JSON.stringify(text)}`, (t) => {
    t.regex(problemOf(text), expected);
  });
}

test('every problem of a definition is told at once', (t) => {
  const message = problemOf('keep: x\nqueries:\n  - al: true\n    spec.min: 3\n');
  t.regex(message, /line 1: 'keep'.*'al' at line 3.*line 4: 'spec.min'/s);
});

test('of a file that is something else the first problems are told, and how many more there are', (t) => {
  const message = problemOf(`queries:\n${'  - nginx\n'.repeat(5000)}`);
  t.true(
    message.endsWith("line 21: a query must be a mapping (key: value), not 'nginx'; and 4980 more problems"),
  );
});

test('a lock file is called one, with the flags that take it', (t) => {
  const lock = formatLockFile({ distribution: 'lite', address: 'https://epr.example/', packages: [] });
  const error = t.throws(() => parseDefinition(lock, 'a/distribution.lock'), { instanceOf: DepotError });
  t.is(
    error?.message,
    'a/distribution.lock: line 1: this is a lock file: name its definition, with --locked --lock a/distribution.lock',
  );
});

test('any text is either a definition or a DEFINITION_INVALID', (t) => {
  const words = fc.constantFrom(
    'queries',
    'matrix',
    'package',
    ':',
    '- ',
    '\n',
    '  ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|',
    '>',
    '&a',
    '*a',
    '<<',
    '!t',
    '~',
    'a',
    '#',
    '\t',
    ',',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
      problemOf(parts.join(''));
    }),
  );
  t.pass();
});

test('the shipped definitions are full, production and lite, and are all right', (t) => {
  const folder = shippedFolder();
  t.deepEqual(listShipped(folder), ['full', 'lite', 'production']);
  t.deepEqual(loadDefinition('full').queries, [{ all: true, prerelease: true }]);
  t.deepEqual(loadDefinition('production').queries, [{ all: true }]);
  const lite = loadDefinition('lite');
  t.is(
    lite.queries.map((query) => query.package).join(' '),
    'apache apm elastic_agent endpoint fleet_server linux log mysql nginx profiler_collector profiler_symbolizer security_ai_prompts security_detection_engine synthetics system windows',
  );
  t.true(lite.matrix.every((row) => row.kibanaVersion !== undefined && row.specMax !== undefined));
  t.true(readFileSync(join(folder, 'lite.yml'), 'utf8').startsWith('#'));
  t.throws(() => loadDefinition('light'), {
    message: /no distribution is named "light" \(shipped are full, lite, production\)/,
  });
  t.throws(() => loadDefinition('./none.yml'), { message: /no file has that path/ });
  t.throws(() => loadDefinition(`${folder}/`), { message: /distributions\/: it is a folder/ });
});

test('name patterns match whole names, with * and ?, within their versions', (t) => {
  const matches = (pattern: string, name: string, version = '1.0.0'): boolean => {
    const parsed = parseNamePattern(pattern);
    const strict = parseStrictVersion(version);
    return typeof parsed !== 'string' && strict !== undefined && parsed.matches(name, strict);
  };
  t.true(matches('nginx', 'nginx'));
  t.false(matches('nginx', 'nginx_otel'));
  t.true(matches('cisco_*', 'cisco_ios'));
  t.true(matches('*_otel', 'nginx_otel'));
  t.true(matches('a*b*c', 'axxbxbxc'));
  t.false(matches('a*b*c', 'axxbxbx'));
  t.true(matches('aw?', 'aws'));
  t.true(matches('nginx@>=1.2.0 <2.0.0', 'nginx', '1.9.0'));
  t.true(matches(' nginx @ >=1.2.0 ', 'nginx', '1.9.0'));
  t.false(matches('nginx@>=1.2.0 <2.0.0', 'nginx', '2.0.0'));
});

test('a glob agrees with the regular expression of the same meaning', (t) => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 8 });
  const globs = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 6 });
  const version = parseStrictVersion('1.0.0');
  fc.assert(
    fc.property(globs, letters, (glob, name) => {
      const pattern = parseNamePattern(glob);
      const expression = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      return (
        typeof pattern !== 'string' &&
        version !== undefined &&
        pattern.matches(name, version) === expression.test(name)
      );
    }),
  );
  t.pass();
});

test('what the public tool reads without a word is read: a limit below 0, and `validate` of its guide', (t) => {
  const { versionLimit, queries, actions } = parseDefinition(
    'version.limit: -1\nqueries:\n  - version.limit: -5\nactions:\n  - download:\n      destination: ./x\n      validate: true\n',
    'my.yml',
  );
  t.is(versionLimit, 0);
  t.deepEqual(queries, [{ versionLimit: 0 }]);
  t.deepEqual(actions, [{ kind: 'download', destination: './x' }]);
});

test('an empty parameter says nothing, and leaves the row its value', (t) => {
  const text =
    'address: ""\nmatrix: [{kibana.version: 9.2.0, package: nginx}]\nqueries: [{kibana.version: "", package: "", type: "", spec.min: ""}]\n';
  const [search] = planSearches(parseDefinition(text, 'my.yml'));
  t.is(search?.parameters, 'kibana.version=9.2.0&package=nginx');
});

test('a type of tomorrow is asked for as it is', (t) => {
  t.deepEqual(parseDefinition('queries: [{type: dashboard}]\n', 'my.yml').queries, [{ type: 'dashboard' }]);
});

test('a definition that Windows saved as UTF-16 is read', async (t) => {
  const folder = await scratch(t);
  const text = 'queries:\r\n  - package: nginx # für alle\r\n';
  for (const [name, bytes] of [
    ['le', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['be', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['utf8', Buffer.from(`\uFEFF${text}`)],
  ] as const) {
    const file = join(folder, `${name}.yml`);
    writeFileSync(file, bytes);
    t.deepEqual(loadDefinition(file).queries, [{ package: 'nginx' }], name);
  }
});

test('sizes are read in both kinds of units', (t) => {
  t.is(parseBytes('4G'), 4 * 2 ** 30);
  t.is(parseBytes('4 gb'), 4_000_000_000);
  t.is(parseBytes('4GiB'), 4 * 2 ** 30);
  t.is(parseBytes('1.5 MB'), 1_500_000);
  t.is(parseBytes('700'), 700);
  t.is(parseBytes('12B'), 12);
  t.is(parseBytes('4XB'), undefined);
  t.is(parseBytes('-1'), undefined);
});

test('a suggestion is near or none', (t) => {
  t.is(nearestWord('querys', ['queries', 'matrix']), 'queries');
  t.is(nearestWord('mtarix', ['queries', 'matrix']), 'matrix');
  t.is(nearestWord('zebra', ['queries', 'matrix']), undefined);
});
