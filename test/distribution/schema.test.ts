import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import test from 'ava';
import { load } from 'js-yaml';
import { DepotError } from '../../src/domain/errors.ts';
import { parseDefinition } from '../../src/distribution/parse-definition.ts';
import { listShipped, shippedFolder } from '../../src/distribution/shipped.ts';

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly definitions: {
    readonly queries: { readonly items: { readonly properties: Readonly<Record<string, unknown>> } };
  };
}

const schema = JSON.parse(readFileSync(join(shippedFolder(), 'definition.schema.json'), 'utf8')) as Schema &
  object;
const isValid = new Ajv({ strict: true, strictRequired: false, strictTypes: false }).compile(schema);

const messageOf = (text: string): string => {
  try {
    parseDefinition(text, 'my.yml');
  } catch (error) {
    return error instanceof DepotError ? error.message : '';
  }
  return '';
};
const knownKeys = (text: string): string[] =>
  (/known are ([^;]*)/.exec(messageOf(text))?.[1] ?? '').split(', ').toSorted();

test('the schema has the keys that a definition may have, no more and no fewer', (t) => {
  t.deepEqual(Object.keys(schema.properties).toSorted(), knownKeys('zzzzzzzz: 1\n'));
  t.deepEqual(
    Object.keys(schema.definitions.queries.items.properties).toSorted(),
    knownKeys('queries:\n  - zzzzzzzz: 1\n'),
  );
});

test('shipped definitions name the schema and satisfy it', (t) => {
  for (const name of listShipped(shippedFolder())) {
    const text = readFileSync(join(shippedFolder(), `${name}.yml`), 'utf8');
    t.true(text.startsWith('# yaml-language-server: $schema=./definition.schema.json\n'), name);
    t.true(isValid(load(text)), `${name}: ${JSON.stringify(isValid.errors)}`);
  }
});

test('what the pages show satisfies schema and reader', (t) => {
  for (const page of ['docs/distributions.md', 'docs/artifacts.md']) {
    const blocks = readFileSync(page, 'utf8')
      .split('```yaml\n')
      .slice(1)
      .map((rest) => rest.split('```')[0] ?? '')
      .filter((text) => /^(?:address|artifacts|queries):/m.test(text));
    t.true(blocks.length > 0, page);
    for (const text of blocks) {
      t.true(isValid(load(text)), `${page}: ${JSON.stringify(isValid.errors)}`);
      t.notThrows(() => parseDefinition(text, page));
    }
  }
});

test('what the reader refuses for its form, the schema refuses', (t) => {
  for (const text of [
    'querys: [{}]',
    'queries: nginx',
    'queries: [{pacakge: nginx}]',
    'queries: [{all: sometimes}]',
    'queries: [{}]\nactions: [{upload: {}}]',
    'queries: [{}]\nactions: [{download: {desination: x}}]',
    'queries: [{}]\nkeep: -1',
    'queries: [{}]\naddress: ftp://x',
    'packages: [{name: nginx}]',
    'packages: [{name: ../x, version: 1.0.0}]',
    'artifacts: [{platforms: [linux-x86_64]}]',
    'exclude: [{version: 1.0.0}]\nqueries: [{}]',
  ]) {
    t.false(isValid(load(text)), text);
    t.not(messageOf(text), '', text);
  }
});
