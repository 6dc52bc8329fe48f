import test from 'ava';
import { parseYaml } from '../../src/archive/yaml.ts';
import { expandDottedKeys } from '../../src/domain/dotted-keys.ts';
import { DepotError } from '../../src/domain/errors.ts';

/** What the answers were is what go-ucfg 0.8.8, the library that reads the reference's manifests, made of the same YAML. */
const read = (yaml: string): unknown => expandDottedKeys(parseYaml(Buffer.from(yaml)));

const expanded: Readonly<Record<string, unknown>> = {
  'a.b.c: 1': { a: { b: { c: 1 } } },
  '{a.b: 1, a.c: 2}': { a: { b: 1, c: 2 } },
  '{a: {b: 1}, a.c: 2}': { a: { b: 1, c: 2 } },
  '{a: ~, a.b: 1}': { a: { b: 1 } },
  '{a.b: 1, a: ~}': { a: { b: 1 } },
  '{a.b: {c: 1}, a: {b: {d: 2}}}': { a: { b: { c: 1, d: 2 } } },
  '"a..b": 1': { a: { '': { b: 1 } } },
  'a: [{b.c: 1}]': { a: [{ b: { c: 1 } }] },
  '{a.0: x, a.1: z}': { a: ['x', 'z'] },
  '{a.0.b: x, a.0.c: z}': { a: [{ b: 'x', c: 'z' }] },
  'a: {"0": x, "2": z}': { a: ['x', null, 'z'] },
  '{a: [x], a.1: z}': { a: ['x', 'z'] },
  '{a.1: z, a: [x]}': { a: ['x', 'z'] },
  'a: {"+1": x}': { a: [null, 'x'] },
  'a: {"01": x}': { a: [null, 'x'] },
  'a: {"0x1": x}': { a: [null, 'x'] },
  'a: {"08": x}': { a: { '08': 'x' } },
  'a: {"1025": x}': { a: { '1025': 'x' } },
  'a: {"0": x, b: z}': { a: { '0': 'x', b: 'z' } },
  '{__proto__.x: 1}': JSON.parse('{"__proto__": {"x": 1}}') as unknown,
};

for (const [yaml, expected] of Object.entries(expanded)) {
  test(`${yaml} is ${JSON.stringify(expected)}`, (t) => {
    t.deepEqual(read(yaml), expected);
  });
}

const refused: Readonly<Record<string, RegExp>> = {
  '{a: 1, a.b: 2}': /the key "a\.b" goes through "a", which is a value/,
  '{a.b: 2, a: 1}': /the key "a" is there twice/,
  '{a: {b: 1}, a.b: 2}': /the key "a\.b" is there twice/,
  '{a: x, a.0: z}': /the key "a\.0" goes through "a", which is a value/,
  '{a: [x], a.0: z}': /the key "a\.0" is there twice/,
  [`${'a.'.repeat(100)}b: 1`]: /nested more than 100 levels/,
  [`[${Array.from({ length: 120 }, () => '{"1000": x}').join()}]`]:
    /keys that are numbers make more than 100000 mappings or places/,
};

for (const [yaml, reason] of Object.entries(refused)) {
  test(`two values in one place and too much of it are refused: ${yaml.slice(0, 40)}`, (t) => {
    const error = t.throws(() => read(yaml), { instanceOf: DepotError });
    t.is(error?.code, 'YAML_INVALID');
    t.regex(error?.message ?? '', reason);
  });
}
