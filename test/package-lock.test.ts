import { readFile } from 'node:fs/promises';
import test from 'ava';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

test('the lock file has every optional package of every platform, or npm ci would refuse it', async (t) => {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as Lock;
  const missing = Object.values(packages)
    .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
    .filter((name) => !(`node_modules/${name}` in packages));
  t.deepEqual(missing, []);
});
