import test from 'ava';
import fc from 'fast-check';
import { DepotError } from '../../src/domain/errors.ts';
import { readCategoriesQuery, readSearchQuery } from '../../src/http/query.ts';

const name = fc.constantFrom(
  'kibana.version',
  'agent.version',
  'category',
  'package',
  'type',
  'capabilities',
  'spec.min',
  'spec.max',
  'all',
  'prerelease',
  'experimental',
  'discovery',
  'internal',
  'x',
  '__proto__',
);
const value = fc.oneof(
  fc.string(),
  fc.constantFrom('', 'true', '8.0.0', '1.2', 'fields:a,b', 'datasets:', 'x:y', '%', '%00', '+'),
);
const query = fc.oneof(
  fc
    .array(fc.tuple(name, value))
    .map((pairs) =>
      pairs.map(([key, text]) => `${key}=${new URLSearchParams([['', text]]).toString().slice(1)}`).join('&'),
    ),
  fc.string(),
);

test('any query is read, or refused as a bad request with one line of text', (t) => {
  fc.assert(
    fc.property(query, fc.boolean(), (text, allowUnknown) => {
      for (const read of [readSearchQuery, readCategoriesQuery]) {
        try {
          read(text, allowUnknown);
        } catch (error) {
          if (!(error instanceof DepotError) || error.status !== 400 || error.message === '') {
            return false;
          }
        }
      }
      return true;
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('the first value counts, but for discovery', (t) => {
  const read = readSearchQuery(
    'package=a&package=b&all=true&all=x&discovery=fields:a&discovery=datasets:b',
    true,
  );
  t.is(read.name, 'a');
  t.true(read.all);
  t.deepEqual(
    read.discovery.map(({ kind, values }) => [kind, ...values]),
    [
      ['fields', 'a'],
      ['datasets', 'b'],
    ],
  );
});

test('an empty value is as if it were absent', (t) => {
  t.deepEqual(
    readSearchQuery('package=&all=&kibana.version=&spec.min=&discovery=&capabilities=', true),
    readSearchQuery('', true),
  );
});
