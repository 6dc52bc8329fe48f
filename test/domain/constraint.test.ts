import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { parseConstraint } from '../../src/domain/constraint.ts';
import { parseLooseVersion } from '../../src/domain/version.ts';
import { sharedFolder } from '../support/shared.ts';

interface GoldenConstraint {
  readonly constraint: string;
  readonly reject?: boolean;
  readonly string?: string;
  readonly matches?: readonly string[];
}

const matching = (constraint: string, versions: readonly string[]): string[] | undefined => {
  const parsed = parseConstraint(constraint);
  return parsed && versions.filter((version) => parsed.test(parseLooseVersion(version) ?? fail(version)));
};
const fail = (version: string): never => {
  throw new Error(`not a version: ${version}`);
};

test('every golden constraint admits exactly the versions that the reference admits', (t) => {
  const file = sharedFolder('golden', 'semver.json');
  if (!file) {
    t.log('skipped: ../shared is absent');
    t.pass();
    return;
  }
  const golden = JSON.parse(readFileSync(file, 'utf8')) as {
    versions: string[];
    constraints: GoldenConstraint[];
  };
  for (const { constraint, reject, string, matches } of golden.constraints) {
    t.deepEqual(matching(constraint, golden.versions), reject ? undefined : [...(matches ?? [])], constraint);
    t.is(parseConstraint(constraint)?.text, string, constraint);
  }
  t.is(golden.constraints.length, 167);
});

test('a comma and white space both mean AND', (t) => {
  for (const text of ['>=7.16.0, <9.0.0', '>=7.16.0,<9.0.0', '>=7.16.0 <9.0.0', '>=7.16.0 , <9.0.0']) {
    t.deepEqual(matching(text, ['7.15.0', '7.16.0', '8.9.9', '9.0.0']), ['7.16.0', '8.9.9'], text);
  }
});

test('a prerelease in one comparator opens its whole group, and no other group', (t) => {
  t.deepEqual(matching('^8.1.0-0 || ^9.0.0', ['8.2.0-SNAPSHOT', '9.0.0-SNAPSHOT', '9.1.0']), [
    '8.2.0-SNAPSHOT',
    '9.1.0',
  ]);
});

test('a negated wildcard with an open group tells prereleases apart', (t) => {
  t.deepEqual(matching('!=8.1.x >=8.0.0-0', ['8.1.0-SNAPSHOT', '8.1.3', '8.2.0']), [
    '8.1.0-SNAPSHOT',
    '8.2.0',
  ]);
});

test('wildcards swallow what stands behind them, as in the reference', (t) => {
  t.deepEqual(matching('8.x.1', ['8.4.9', '9.0.0']), ['8.4.9']);
  t.deepEqual(matching('x.1.0', ['8.4.9', '9.0.0']), ['8.4.9', '9.0.0']);
  t.deepEqual(matching('x.xx', ['1.0.0']), ['1.0.0']);
  t.is(parseConstraint('xx'), undefined);
  t.is(parseConstraint('8.xx'), undefined);
});

test('versions up to 2^64-1 are exact', (t) => {
  t.deepEqual(matching('>9007199254740992.0.0', ['9007199254740993.0.0', '9007199254740992.0.0']), [
    '9007199254740993.0.0',
  ]);
  t.is(parseConstraint('18446744073709551616.0.0'), undefined);
});

test('any text is parsed or refused, never thrown at, also where patterns would run for ever', (t) => {
  t.is(parseConstraint(`1${' '.repeat(4000)}!`), undefined);
  t.is(parseConstraint('^8.0.0 || '.repeat(1000)), undefined);
  const pieces = fc.constantFrom(
    '8',
    '8.1',
    '1.2.3',
    '-0',
    '-beta.1',
    '||',
    ' ',
    ',',
    '^',
    '~',
    '>=',
    '!=',
    'x',
    '*',
    ' - ',
    'v',
    '\u00a0',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const parsed = parseConstraint(parts.join(''));
      // What is accepted has one spelling, and that spelling means the same.
      return parsed === undefined || parseConstraint(parsed.text)?.text === parsed.text;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
