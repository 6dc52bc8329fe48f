import test from 'ava';
import fc from 'fast-check';
import semver from 'semver';
import { compareVersions, parseLooseVersion, parseStrictVersion } from '../../src/domain/version.ts';

const show = (version: ReturnType<typeof parseLooseVersion>): string | undefined =>
  version &&
  `${version.major}.${version.minor}.${version.patch}${version.prerelease && `-${version.prerelease}`}`;

test('query values are read loosely', (t) => {
  const cases = {
    '8': '8.0.0',
    '8.1': '8.1.0',
    'v8.1.0': '8.1.0',
    '08.1.0': '8.1.0',
    '8-SNAPSHOT': '8.0.0-SNAPSHOT',
    '8.1-SNAPSHOT': '8.1.0-SNAPSHOT',
  };
  for (const [text, expected] of Object.entries(cases)) {
    t.is(show(parseLooseVersion(text)), expected, text);
  }
});

test('what the reference refuses is refused', (t) => {
  for (const text of [
    '',
    '=8.1.0',
    ' 8.1.0',
    '8.1.0\n',
    '8.1.0-01',
    '8.1.0beta',
    'foo8bar',
    '8.x',
    '8.1.0.1',
    '-8.1.0',
    '8.',
    '1.0.0-',
    `1.0.0-${'a'.repeat(300)}`,
  ]) {
    t.is(parseLooseVersion(text), undefined, JSON.stringify(text));
  }
  for (const text of ['8', '8.1', 'v8.1.0', '08.1.0', '8.1.0-01', '1.0.0+']) {
    t.is(parseStrictVersion(text), undefined, text);
  }
});

test('build metadata is kept and does not count in the order', (t) => {
  const [a, b] = [parseStrictVersion('1.0.0+a'), parseStrictVersion('1.0.0+b')];
  t.is(a?.build, 'a');
  t.is(a && b && compareVersions(a, b), 0);
});

test('versions are ordered as semver orders them', (t) => {
  const tag = fc.constantFrom(
    '',
    '-0',
    '-1',
    '-10',
    '-alpha',
    '-alpha.1',
    '-alpha.beta',
    '-beta.2',
    '-beta.11',
    '-rc.1',
    '-SNAPSHOT',
  );
  const version = fc
    .tuple(fc.nat(3), fc.nat(3), fc.nat(3), tag)
    .map(([x, y, z, pre]) => `${x}.${y}.${z}${pre}`);
  fc.assert(
    fc.property(version, version, (a, b) => {
      const [x, y] = [parseStrictVersion(a), parseStrictVersion(b)];
      return x !== undefined && y !== undefined && Math.sign(compareVersions(x, y)) === semver.compare(a, b);
    }),
  );
  t.pass();
});

test('numbers of prereleases are exact beyond what a double holds', (t) => {
  const texts = ['1.0.0-9007199254740992', '1.0.0-9007199254740993', '1.0.0-90071992547409920', '1.0.0-a'];
  const versions = texts.flatMap((text) => parseStrictVersion(text) ?? []);
  t.is(versions.length, texts.length);
  for (const [at, version] of versions.entries()) {
    t.deepEqual(
      versions.map((other) => Math.sign(compareVersions(version, other))),
      texts.map((_, index) => Math.sign(at - index)),
    );
  }
});
