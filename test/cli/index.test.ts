import { cp, mkdir, readdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { index } from '../../src/cli/index.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { runVerb, type VerbRun } from './verb-run.ts';

interface Place {
  readonly packages: string;
  readonly cache: string;
  run(word: string, ...more: string[]): Promise<VerbRun>;
}

const place = async (t: ExecutionContext): Promise<Place> => {
  const base = await scratch(t);
  const [packages, cache] = [join(base, 'packages'), join(base, 'cache')];
  for (const version of ['1.0.0', '1.1.0']) {
    await utimes(await writeZipPackage(packages, { version }), 1_000_000, 1_000_000);
  }
  const flags = [`--package-paths=${packages}`, `--cache-dir=${cache}`, '--require-package-signatures=false'];
  return { packages, cache, run: (word, ...more) => runVerb(index, [word, ...flags, ...more]) };
};

test('an index that was built offline is whole and current, and a server reads no package', async (t) => {
  const { packages, cache, run } = await place(t);
  const built = await run('build');
  t.is(built.exitCode, 0, built.stderr);
  t.regex(built.stdout, /\.fleet: 2 package versions, 0 in quarantine, 2 read now\n$/);
  const checked = await run('check');
  t.is(checked.exitCode, 0);
  t.regex(checked.stdout, /whole, 2 packages in it, 2 found; a start reads none of them\n$/);
  const server = await startServer({ packagePaths: [packages], flags: { 'cache-dir': cache } });
  t.teardown(() => server.close());
  t.regex(await server.metrics(), /^fleet_depot_index_packages_read_total 0$/m);
  t.regex((await run('build')).stdout, / 0 read now\n$/);
});

test('archives that were unpacked anew are compared, not judged: an image may ship with its index', async (t) => {
  const { packages, run } = await place(t);
  await run('build');
  await cp(packages, `${packages}-copy`, { recursive: true, preserveTimestamps: true });
  await rm(packages, { recursive: true });
  await rename(`${packages}-copy`, packages);
  const { exitCode, stdout } = await run('check');
  t.is(exitCode, 3);
  t.regex(stdout, /^demo-1\.0\.0\.zip: another time of status change, inode; its content is the same$/m);
  t.regex(stdout, /a start reads 0, compares 2 and forgets 0\n$/);
  await run('build');
  t.is((await run('check')).exitCode, 0);
});

test('check says which packages would be read again and why', async (t) => {
  const { packages, run } = await place(t);
  await run('build');
  await writeZipPackage(packages, { version: '1.0.0', files: { 'docs/more.md': 'more' } });
  await writeZipPackage(packages, { version: '1.2.0' });
  await rm(join(packages, 'demo-1.1.0.zip'));
  const { exitCode, stdout } = await run('check');
  t.is(exitCode, 3);
  t.regex(stdout, /^demo-1\.0\.0\.zip: another size, time of change, time of status change$/m);
  t.regex(stdout, /^demo-1\.2\.0\.zip: it is new$/m);
  t.regex(stdout, /demo-1\.1\.0\.zip: it is gone$/m);
  t.regex(stdout, /a start reads 2, compares 0 and forgets 1\n$/);
});

test('a broken package is exit 3 of build, after it had time to be a copy that runs', async (t) => {
  const { packages, run } = await place(t);
  await writeFile(join(packages, 'broken-1.0.0.zip'), 'no archive');
  const { exitCode, stdout, stderr } = await run('build');
  t.is(exitCode, 3);
  t.regex(stdout, /2 package versions, 1 in quarantine/);
  t.regex(stderr, /broken-1\.0\.0\.zip: it is not a zip file/);
  t.is((await run('check')).exitCode, 0, 'a broken one is known too');
});

test('no index, a torn one and one of other settings are exit 1 of check', async (t) => {
  const { cache, run } = await place(t);
  t.regex(
    (await run('check')).stdout,
    /there is no index of this version for these settings; a start reads all 2 packages\n$/,
  );
  await run('build');
  t.is((await run('check', '--max-entries=77')).exitCode, 1);
  const [name = ''] = await readdir(cache);
  await truncate(join(cache, name), 700);
  const { exitCode, stdout } = await run('check');
  t.is(exitCode, 1);
  t.regex(stdout, /it is not taken: it has \d+ bytes behind its header/);
});

test('clear removes the index, also when there is none', async (t) => {
  const { cache, run } = await place(t);
  await run('build');
  t.regex((await run('clear')).stdout, /^removed .*\.fleet\n$/);
  t.deepEqual(await readdir(cache), []);
  const again = await run('clear');
  t.is(again.exitCode, 0);
  t.regex(again.stdout, /there is none\n$/);
});

test('build fails where the index cannot be kept, or a package path is missing', async (t) => {
  const { packages, cache, run } = await place(t);
  await mkdir(cache);
  await writeFile(join(cache, 'file'), '');
  const unwritable = await run('build', `--cache-dir=${cache}/file/below`);
  t.is(unwritable.exitCode, 1);
  t.regex(
    unwritable.stderr,
    /cannot be (?:read|written) \(-cache-dir, EPR_CACHE_DIR\): a part of its path is not a folder/,
  );
  const missing = await run('build', `--package-paths=${packages},/nowhere`);
  t.is(missing.exitCode, 1);
  t.regex(missing.stderr, /\/nowhere: the package path does not exist/);
});
