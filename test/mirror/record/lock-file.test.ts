import test from 'ava';
import fc from 'fast-check';
import { DepotError } from '../../../src/domain/errors.ts';
import type { LockedFile } from '../../../src/mirror/record/locked-file.ts';
import { formatLockFile, parseLockFile } from '../../../src/mirror/record/lock-file.ts';
import type { LockedPackage } from '../../../src/mirror/record/locked-package.ts';

const digest = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const fingerprint = fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'), minLength: 40, maxLength: 40 });
const number = fc.nat(30);
const locked = fc
  .record({
    name: fc.string({ unit: fc.constantFrom(...'abc_1'), minLength: 1, maxLength: 6 }),
    version: fc
      .tuple(number, number, number, fc.constantFrom('', '-beta.1', '+b1'))
      .map(([a, b, c, tag]) => `${a}.${b}.${c}${tag}`),
    sha256: digest,
    size: fc.nat(),
    signer: fc.option(fingerprint),
    signature: fc.option(fc.record({ sha256: digest, size: fc.nat(5000) })),
    kibana: fc.option(fc.constantFrom('^8.0.0 || ^9.0.0', '>=9.1, <10')),
  })
  .map(({ signer, signature, kibana, ...rest }): LockedPackage => ({
    ...rest,
    ...(signer === null ? {} : { signer }),
    ...(signature === null ? {} : { signature }),
    ...(kibana === null ? {} : { kibana }),
    source: `https://registry.example/epr/${rest.name}/x.zip`,
  }));
const sets = fc.uniqueArray(locked, { selector: (one) => `${one.name}-${one.version}`, maxLength: 12 });
const lockedFile = fc
  .record({
    path: fc
      .tuple(
        fc.constantFrom('downloads/beats/a', 'downloads/endpoint/x', 'keys', 'ml-models', 'product-docs'),
        fc.string({ unit: fc.constantFrom(...'abc_-.+19'), minLength: 1, maxLength: 8 }),
      )
      .map(([folder, name]) => `${folder}/x${name}`),
    sha256: digest,
    sha512: fc.option(fc.tuple(digest, digest).map((two) => two.join(''))),
    size: fc.nat(),
    signer: fc.option(fingerprint),
    fingerprints: fc.option(fc.array(fingerprint, { minLength: 1, maxLength: 2 })),
  })
  .map(({ sha512, signer, fingerprints, ...rest }): LockedFile => ({
    ...rest,
    ...(sha512 === null ? {} : { sha512 }),
    ...(signer === null ? {} : { signer }),
    ...(fingerprints === null ? {} : { fingerprints }),
    source: `https://artifacts.example/${rest.path}`,
  }));
const fileSets = fc.uniqueArray(lockedFile, { selector: ({ path }) => path, maxLength: 8 });
const lock = (
  packages: readonly LockedPackage[],
): { distribution: string; address: string; packages: readonly LockedPackage[] } => ({
  distribution: 'lite',
  address: 'https://registry.example/',
  packages,
});

test('a lock file is read as it was written, and its bytes do not depend on the order of the work', (t) => {
  fc.assert(
    fc.property(sets, (packages) => {
      const text = formatLockFile(lock(packages));
      t.is(formatLockFile(lock(packages.toReversed())), text);
      t.is(formatLockFile(parseLockFile(text, 'x')), text);
    }),
    { numRuns: 50 },
  );
});

test('any damage to one character is refused, or still gives proper names, versions and digests', (t) => {
  fc.assert(
    fc.property(sets, fc.nat(), fc.constantFrom(...'./\\"0zZ{ '), (packages, at, letter) => {
      const text = formatLockFile(lock(packages));
      const place = at % text.length;
      try {
        const read = parseLockFile(text.slice(0, place) + letter + text.slice(place + 1), 'x');
        return read.packages.every(
          (one) => /^[a-z0-9_]+$/.test(one.name) && /^[0-9][0-9A-Za-z.+-]*$/.test(one.version),
        );
      } catch (error) {
        return error instanceof DepotError && error.code === 'LOCK_INVALID';
      }
    }),
  );
  t.pass();
});

test('files beside the packages are read as they were written, in one order', (t) => {
  fc.assert(
    fc.property(sets, fileSets, (packages, files) => {
      const text = formatLockFile({ ...lock(packages), files });
      t.is(formatLockFile({ ...lock(packages), files: files.toReversed() }), text);
      const read = parseLockFile(text, 'x');
      t.deepEqual(
        read.files ?? [],
        files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      );
      t.is(formatLockFile(read), text);
    }),
    { numRuns: 50 },
  );
});

test('a path that leaves its folders, is hidden or is there twice is no file of a lock file', (t) => {
  const entry = { sha256: 'a'.repeat(64), size: 1, source: 'https://x.example/x' };
  const read = (...paths: string[]): unknown =>
    parseLockFile(
      JSON.stringify({ ...lock([]), lockVersion: 2, files: paths.map((path) => ({ path, ...entry })) }),
      'x',
    );
  t.notThrows(() => read('downloads/endpoint/a', 'keys/GPG-KEY-elastic-agent'));
  for (const path of [
    '../downloads/x',
    'downloads/../../x',
    'downloads/..',
    'downloads//x',
    'downloads/.hidden',
    '/keys/x',
    'keys',
    'other/x',
    'keys/x\\y',
    'keys/x\u0000',
    'keys/x~y',
  ]) {
    t.throws(() => read(path), { code: 'LOCK_INVALID' }, path);
  }
  t.throws(() => read('keys/x', 'keys/x'), { message: /twice/ });
});

test('a lock file of a later version is called newer by name; members that are not known mean nothing', (t) => {
  const text = (more: object): string => JSON.stringify({ lockVersion: 1, ...lock([]), ...more });
  t.throws(() => parseLockFile(text({ lockVersion: 3 }), 'DIR/distribution.lock'), {
    code: 'FORMAT_NEWER',
    message:
      /^DIR\/distribution\.lock was made by a newer version .* lockVersion 3, this one reads lockVersion 2$/,
  });
  for (const lockVersion of ['3', 0, null, 2.5]) {
    t.throws(
      () => parseLockFile(text({ lockVersion }), 'x'),
      { message: /lockVersion/ },
      String(lockVersion),
    );
  }
  t.deepEqual(parseLockFile(text({ colour: 'red' }), 'x'), lock([]));
});
