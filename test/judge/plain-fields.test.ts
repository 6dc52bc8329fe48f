import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { parseYaml } from '../../src/archive/yaml.ts';
import {
  readDefinedFields,
  type DefinedField,
  type DefinedFields,
} from '../../src/domain/field-definitions.ts';
import { readPlainFields } from '../../src/judge/plain-fields.ts';

const sample = `# Fields of every data stream
- name: data_stream.type
  type: constant_keyword
  description: Data stream type.
- name: data_stream
  type: group
  fields:
    - name: dataset
      type: constant_keyword
      description: >
        Where it goes,
          with more than one line.

        And a paragraph.
    - name: namespace
      description: 'It''s written
    over two lines.'
      type: constant_keyword
      multi_fields:
        - name: text
          type: match_only_text
- name: '@timestamp'
  type: date
  normalize:
  - array
  - 10.10.10.10
  example: "a\\tb"
  pattern: ^[a-z]{2}(-[a-z]{2})$
`;

const parsed = (text: string): DefinedFields | undefined => readDefinedFields(parseYaml(Buffer.from(text)));
test('a plain fields file is read as the parser reads it', (t) => {
  const field = (name: string, type: string, fields?: DefinedFields): DefinedField => ({
    name,
    type,
    fields,
  });
  const inner = [field('dataset', 'constant_keyword'), field('namespace', 'constant_keyword')];
  const fields = [
    field('data_stream.type', 'constant_keyword'),
    field('data_stream', 'group', inner),
    field('@timestamp', 'date'),
  ];
  t.deepEqual(readPlainFields(sample), fields);
  t.deepEqual(parsed(sample), fields);
});

test('what needs a parser is left to it', (t) => {
  const odd = [
    '',
    'name: a',
    '- {name: a}',
    '- name: &a b',
    '- name: a\n  fields: [1]',
    '---\n- name: a',
    '- name: a\n\ttype: b',
    '- name: a: b',
    '- name: a #b',
    '- name: a\n   type: b',
    '- name: a\n type: b',
    "- name: 'a' b",
    '- name: a\r\n',
    '- fields:\n    - name: a\n  name: b',
  ];
  for (const text of odd) {
    t.is(readPlainFields(text), undefined, JSON.stringify(text));
  }
});

test('whatever is changed in a file, an answer is that of the parser', (t) => {
  const signs = [...' :-#\'"|>{}[]&*!%,a\n', '  ', '\n  ', '- ', ': ', ' #', '\n- name: ', "''"];
  const edit = fc.tuple(fc.nat(sample.length), fc.nat(3), fc.constantFrom('', ...signs));
  let answered = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      let text = sample;
      for (const [at, dropped, added] of edits) {
        text = text.slice(0, at) + added + text.slice(at + dropped);
      }
      const plain = readPlainFields(text);
      if (plain === undefined) {
        return true;
      }
      answered++;
      return isDeepStrictEqual(plain, parsed(text));
    }),
    { numRuns: 40000 },
  );
  t.true(answered > 400);
});
