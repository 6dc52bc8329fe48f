// Writes .oxlintrc.json: the rules below, and for each folder of src what it may import. Run it after a change here:
//   node scripts/borders.js
import { readFileSync, writeFileSync } from 'node:fs';

/** Folder: what of src it may import (folders, or single files), and which dependencies. See docs/architecture.md. */
const borders = {
  domain: [[], ['semver']],
  files: [['domain/errors.ts', 'domain/system-error.ts'], []],
  config: [['domain/errors.ts', 'archive/yaml.ts'], ['js-yaml']],
  archive: [
    ['domain/errors.ts', 'domain/system-error.ts', 'files'],
    ['yauzl', 'yazl', 'js-yaml', 'tar-stream'],
  ],
  telemetry: [['domain/errors.ts'], ['pino', '@elastic/ecs-pino-format', 'prom-client', 'lru-cache']],
  signing: [['domain/errors.ts', 'domain/system-error.ts', 'files'], ['openpgp']],
  net: [['domain/errors.ts', 'telemetry/log.ts'], ['undici']],
  source: [['domain', 'archive', 'signing/armor.ts', 'telemetry'], ['lru-cache']],
  search: [['domain'], []],
  threads: [[], ['piscina']],
  judge: [['domain', 'archive', 'search', 'signing', 'source', 'threads'], []],
  index: [['domain', 'files', 'search', 'judge', 'source/source.ts', 'telemetry', 'version.ts'], []],
  watch: [['telemetry'], []],
  answer: [['domain', 'index', 'search', 'source/source.ts'], ['lru-cache']],
  artifacts: [['domain', 'archive', 'files', 'signing', 'source', 'telemetry', 'threads'], ['lru-cache']],
  http: [
    ['answer', 'artifacts', 'domain', 'index', 'search', 'source/source.ts', 'telemetry'],
    ['koa', '@koa/router', 'lru-cache'],
  ],
  distribution: [['domain', 'archive', 'files', 'installation.ts'], ['js-yaml']],
  mirror: [
    [
      'domain',
      'archive',
      'artifacts',
      'distribution',
      'files',
      'net',
      'signing',
      'source',
      'telemetry',
      'threads',
    ],
    [],
  ],
  depot: [['domain', 'archive', 'files', 'signing', 'source', 'telemetry'], []],
  bundle: [['domain', 'archive', 'depot', 'files', 'signing', 'source', 'telemetry'], []],
  image: [['domain', 'archive', 'depot', 'files', 'source', 'telemetry'], ['tar-stream']],
  app: [
    [
      'answer',
      'app.ts',
      'artifacts',
      'config',
      'domain',
      'files',
      'http',
      'index',
      'installation.ts',
      'judge',
      'net',
      'signing',
      'source',
      'telemetry',
      'version.ts',
      'watch',
    ],
    ['prom-client'],
  ],
  cli: [
    [
      'app',
      'app.ts',
      'archive',
      'artifacts',
      'bundle',
      'config',
      'depot',
      'distribution',
      'domain',
      'files',
      'image',
      'index',
      'judge',
      'mirror',
      'net',
      'signing',
      'source',
      'telemetry',
      'version.ts',
    ],
    ['commander', 'cli-table3', 'cli-progress'],
  ],
};

const rules = {
  'max-lines': ['error', { max: 300 }],
  curly: 'error',
  eqeqeq: 'error',
  'no-console': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'import/no-cycle': ['error', { ignoreTypes: false }],
  'import/no-default-export': 'error',
  'typescript/no-explicit-any': 'error',
  'typescript/no-non-null-assertion': 'error',
  'typescript/no-floating-promises': 'error',
  'typescript/no-misused-promises': 'error',
  'typescript/await-thenable': 'error',
  'typescript/switch-exhaustiveness-check': 'error',
  'typescript/only-throw-error': 'error',
  'typescript/ban-ts-comment': 'error',
  'typescript/no-unsafe-type-assertion': 'off',
  'no-await-in-loop': 'off',
  'import/no-unassigned-import': 'off',
  'unicorn/consistent-function-scoping': 'off',
  'import/no-named-as-default-member': 'off',
  'unicorn/no-array-sort': 'off',
  'typescript/no-misused-spread': 'off',
  'typescript/no-base-to-string': 'off',
  'typescript/consistent-return': 'off',
  'typescript/unbound-method': 'off',
  'promise/no-callback-in-promise': 'off',
  'typescript/require-array-sort-compare': 'off',
};

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Folders of a folder: what of their neighbours they may import; files beside them may import them all. */
const inner = {
  mirror: {
    record: [],
    transfer: [],
    checking: ['transfer'],
    planning: ['record', 'transfer'],
    packages: ['checking', 'planning', 'record', 'transfer'],
    release: ['planning', 'record', 'transfer'],
  },
};

/** Patterns are relative to the importing file, so each depth of a folder has its own. */
function border(folder, depth, within) {
  const [sources, libraries] = borders[folder];
  const up = '../'.repeat(depth);
  const neighbours = within && inner[folder][within];
  const allowed = [
    ...(neighbours ?? []).map((name) => `!../${name}/**`),
    ...(within ? [`${up}**`] : []),
    ...sources.map((source) => `!${up}${source}${source.endsWith('.ts') ? '' : '/**'}`),
  ];
  const refused = Object.keys(dependencies).filter((name) => !libraries.includes(name));
  return {
    files: [depth === 1 ? `src/${folder}/*.ts` : `src/${folder}/${within ?? '*'}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [within ? '../**' : `${up}**`, ...allowed],
              message: `of src, ${folder}/ may import only: ${sources.join(', ') || 'itself'}${within ? `; ${within}/ of its neighbours: ${neighbours.join(', ') || 'none'}` : ''}`,
            },
            {
              group: refused,
              message: `of the dependencies, ${folder}/ may import only: ${libraries.join(', ') || 'none'}`,
            },
          ],
        },
      ],
    },
  };
}

const config = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['typescript', 'unicorn', 'import', 'promise', 'node', 'oxc'],
  env: { node: true, es2023: true },
  categories: { correctness: 'error', suspicious: 'error' },
  rules,
  overrides: [
    ...Object.keys(borders).flatMap((folder) => [
      border(folder, 1),
      ...(inner[folder]
        ? Object.keys(inner[folder]).map((within) => border(folder, 2, within))
        : [border(folder, 2)]),
    ]),
    {
      files: ['src/app.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              { group: ['./cli/**', './main.ts'], message: 'nothing but main.ts imports the command line' },
            ],
          },
        ],
      },
    },
    { files: ['test/**/*.ts'], rules: { 'max-lines': ['error', { max: 500 }] } },
    { files: ['bench/**/*.ts', 'scripts/*.js'], rules: { 'no-console': 'off' } },
    // Tools that read these files want a default export.
    {
      files: ['src/**/*worker.ts', 'ava.config.js'],
      rules: { 'import/no-default-export': 'off' },
    },
  ],
};

writeFileSync('.oxlintrc.json', `${JSON.stringify(config, undefined, 1)}\n`);
