import test from 'ava';
import fc from 'fast-check';
import { DepotError } from '../../src/domain/errors.ts';
import type { LockedPackage } from '../../src/mirror/lock-file.ts';
import { formatLockFile, parseLockFile } from '../../src/mirror/lock-file.ts';

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
  })
  .map(({ signer, signature, ...rest }): LockedPackage => ({
    ...rest,
    ...(signer === null ? {} : { signer }),
    ...(signature === null ? {} : { signature }),
    source: `https://registry.example/epr/${rest.name}/x.zip`,
  }));
const sets = fc.uniqueArray(locked, { selector: (one) => `${one.name}-${one.version}`, maxLength: 12 });
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
