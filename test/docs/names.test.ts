import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { json } from 'node:stream/consumers';
import test from 'ava';
import { load } from 'js-yaml';
import { parseDefinition } from '../../src/distribution/parse-definition.ts';
import { variableOf } from '../../src/config/setting.ts';
import { settingRows } from '../../src/config/settings.ts';
import { errorCatalogue } from '../../src/domain/errors.ts';
import { selfSigned } from '../support/certificates.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
const textOf = (files: readonly string[]): string =>
  files.map((file) => readFileSync(file, 'utf8')).join('\n');
const pages = ['README.md', ...filesBelow('docs')];
const blocks = (language: string): readonly (readonly [page: string, text: string])[] =>
  pages.flatMap((page) =>
    [...textOf([page]).matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(
      ([, text = '']) => [page, text] as const,
    ),
  );
/** The names in the first column of the table that stands under a heading of a page. */
const firstColumn = (page: string, heading: string): readonly string[] => {
  const section = new RegExp(`^## ${heading}\\n([^]*?)^## `, 'm').exec(textOf([page]))?.[1] ?? '';
  const rows = /(?:^\|.*\n)+/m.exec(section)?.[0].split('\n').slice(2) ?? [];
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
};

test('every variable that a page names is read by something, and every one that is read is in a page', (t) => {
  const found = (text: string): ReadonlySet<string> =>
    new Set(text.match(/\b(?:EPR|FLEET_DEPOT|KIBANA_API)_[A-Z][A-Z_]*[A-Z]\b/g));
  const said = found(textOf([...pages, 'compose.yaml', ...filesBelow('deploy')]));
  const settings = new Set(settingRows.map(([, row]) => variableOf(row.flag)));
  const code = found(textOf([...filesBelow('src'), ...filesBelow('bench'), 'compose.yaml']));
  t.true(said.size > 60);
  t.deepEqual(
    [...said].filter((name) => !settings.has(name) && !code.has(name)),
    [],
  );
  // Between processes of one server.
  const inner = new Set(['FLEET_DEPOT_WORKER_CACHE']);
  t.deepEqual(
    [...code].filter((name) => !said.has(name) && !inner.has(name)),
    [],
  );
});

test('every error code that a page names is in the catalogue', (t) => {
  const known = new Set(Object.keys(errorCatalogue));
  const said = [...textOf(pages).matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code = '']) => code);
  const others = /^(?:EPR|FLEET_DEPOT|KIBANA|NODE_EXTRA|SOURCE_DATE|HTTPS?|NO|NPM|NODE|LAYER)_/;
  t.true(said.length > 80);
  t.deepEqual(
    said.filter((code) => !known.has(code) && !others.test(code)),
    [],
  );
});

test('health, log and metrics have what docs/operations.md says, and no more', async (t) => {
  const { cert, key } = await selfSigned(await scratch(t), 'own');
  const server = await startServer({
    flags: { 'tls-cert': cert, 'tls-key': key, 'tls-min-version': '1.2', 'artifacts-path': 'packages' },
  });
  t.teardown(() => server.close());
  const ask = (path: string): Promise<object> =>
    new Promise((resolve, reject) => {
      const options = {
        ca: readFileSync(cert),
        checkServerIdentity: () => undefined,
        headers: { 'user-agent': 'Kibana/9.2.1 node-fetch' },
      };
      get(`${server.url}${path}`, options, (answer) => resolve(json(answer))).on('error', reject);
    });
  await ask('/search?kibana.version=9.2.1');
  const health = await ask('/health');
  const members = firstColumn('docs/operations.md', 'Health');
  t.deepEqual(
    Object.keys(health).filter((member) => !members.includes(member)),
    [],
  );
  t.deepEqual(
    members.filter((member) => !(member in health) && !['reason', 'progress'].includes(member)),
    [],
  );
  const request = server.lines.find(({ fields }) => fields['event.action'] === 'request');
  const missing = firstColumn('docs/operations.md', 'Logs').filter(
    (field) => !(field in (request?.fields ?? {})),
  );
  t.deepEqual(missing, []);
  const served = [...(await server.metrics()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  const table = firstColumn('docs/operations.md', 'Metrics').filter((name) => name.includes('_'));
  t.true(served.length > 15, served.join());
  t.deepEqual(table.toSorted(), served.filter((name) => /^(?:epr|fleet_depot)_/.test(name)).toSorted());
});

test('what the pages show as YAML and JSON can be read', (t) => {
  t.true(blocks('yaml').length > 8);
  for (const [page, text] of blocks('yaml')) {
    let value: object = {};
    t.notThrows(() => (value = load(text) as object), page);
    if (['matrix', 'queries', 'artifacts'].some((word) => word in value)) {
      t.notThrows(() => parseDefinition(text, page), page);
    }
  }
  for (const [page, text] of blocks('json')) {
    // Either one document, or one on each line.
    for (const document of text.startsWith('{\n') ? [text] : text.trim().split('\n')) {
      t.notThrows(() => JSON.parse(document), page);
    }
  }
});

test('the map of docs/architecture.md has the folders and files that there are', (t) => {
  const map = /```\nbin\/[^]*?```/.exec(textOf(['docs/architecture.md']))?.[0] ?? '';
  const said = (pattern: RegExp): readonly string[] =>
    [...map.matchAll(pattern)].map(([, name = '']) => name);
  const inside = said(/^ {2}([\w.-]+)\/? /gm);
  const parts = readdirSync('src');
  t.deepEqual(inside.toSorted(), parts.toSorted());
  t.deepEqual(
    said(/^([\w.-]+)\/? /gm).filter((name) => !readdirSync('.').includes(name)),
    [],
  );
});
