import test from 'ava';
import fc from 'fast-check';
import { renderJson, sortKeys } from '../../src/domain/json.ts';

test('any JSON comes back as it was, in ASCII alone', (t) => {
  const value = fc.oneof(
    fc.array(fc.jsonValue()),
    fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
  );
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (tree, indent) => {
      const text = renderJson(tree, indent);
      t.deepEqual(JSON.parse(text), structuredClone(tree));
      // oxlint-disable-next-line no-control-regex
      return /^[\u0000-\u007f]*$/.test(text);
    }),
  );
});

test('what is in ASCII is written as JSON.stringify writes it', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (tree) => {
      // oxlint-disable-next-line no-control-regex
      const plain = JSON.stringify(tree, null, 2);
      // JSON.stringify takes the sign from -0.
      return /[^ -~\n]|"\d+":/.test(plain) || renderJson(JSON.parse(plain) as object) === plain;
    }),
  );
  t.pass();
});

test('characters above U+FFFF are pairs, <, > and & are left alone', (t) => {
  t.is(renderJson({ a: '😀é<&>\u2028' }), '{\n  "a": "\\ud83d\\ude00\\u00e9<&>\\u2028"\n}');
});

test('a bigint is a number, and a text that looks like its mark stays a text', (t) => {
  t.is(renderJson({ a: 2n ** 63n, b: [-1n] }, 0), '{"a":9223372036854775808,"b":[-1]}');
  t.is(renderJson({ a: undefined, b: '\uE0005' }, 0), '{"b":"\\ue0005"}');
  t.is(renderJson({ a: 1n, b: '\uE000\uE0005' }, 0), '{"a":1,"b":"\\ue000\\ue0005"}');
});

test('keys that are numbers stand in the order of their bytes, among all others', (t) => {
  const tree = {
    '9': 1,
    '2000': { '10': 2n ** 64n, '9': '\uE000k1' },
    ' ': [{ '1': 1, '-': 2 }],
    '\uE000k': 3,
  };
  t.is(
    renderJson({ b: 1, a: tree }, 0),
    '{"b":1,"a":{" ":[{"-":2,"1":1}],"2000":{"10":18446744073709551616,"9":"\\ue000k1"},"9":1,"\\ue000k":3}}',
  );
});

test('keys are sorted by bytes, at every depth', (t) => {
  t.is(
    renderJson(sortKeys({ b: { é: 1, z: 2 }, B: [{ y: 1, x: 2 }], a: null }) as object, 0),
    '{"B":[{"x":2,"y":1}],"a":null,"b":{"z":2,"\\u00e9":1}}',
  );
});
