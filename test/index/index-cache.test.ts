import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { createIndexCache } from '../../src/index/index-cache.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { temporaryNames } from '../support/left-temporary.ts';
import { scratch } from '../support/scratch.ts';
import { knownSamples, origin, plain } from './known-samples.ts';

test('what was saved is loaded, and nothing is said', async (t) => {
  const folder = join(await scratch(t), 'new', 'folder');
  const log = createKeptLog();
  const cache = createIndexCache(folder, origin, log);
  t.is(await cache.load(), undefined, 'before there is one');
  t.true(await cache.save(knownSamples(5)));
  const loaded = await createIndexCache(folder, origin, log).load();
  t.deepEqual(await plain(loaded ?? new Map()), await plain(knownSamples(5)));
  t.deepEqual(log.lines, []);
  t.is((await readdir(folder)).length, 1, 'no temporary file is left');
});

test('a damaged, foreign or older file is one line in the log and made anew', async (t) => {
  const folder = await scratch(t);
  await createIndexCache(folder, origin, createKeptLog()).save(knownSamples(5));
  const { file } = createIndexCache(folder, origin, createKeptLog());
  const good = await readFile(file);
  const spoiled = Buffer.from(good);
  spoiled[good.length - 3] = (spoiled[good.length - 3] ?? 0) ^ 1;
  const files = {
    torn: good.subarray(0, good.length / 2),
    spoiled,
    empty: Buffer.alloc(0),
    foreign: Buffer.from('PK\u0003\u0004 something else'),
  };
  for (const [what, bytes] of Object.entries(files)) {
    await writeFile(file, bytes);
    const log = createKeptLog();
    const cache = createIndexCache(folder, origin, log);
    t.is(await cache.load(), undefined, what);
    t.is(log.lines.length, 1, what);
    t.regex(log.lines[0]?.message ?? '', /^the index is made anew: it/, what);
    t.true(await cache.save(knownSamples(4)), what);
    t.is((await cache.load())?.size, 4, what);
  }
});

test('other settings have another file, so that two servers with one cache folder keep their own', async (t) => {
  const folder = await scratch(t);
  const one = createIndexCache(folder, origin, createKeptLog());
  const other = createIndexCache(folder, { ...origin, rules: '{}' }, createKeptLog());
  await Promise.all([one.save(knownSamples(5)), other.save(knownSamples(7))]);
  t.is((await one.load())?.size, 5);
  t.is((await other.load())?.size, 7);
});

test('another version of the program has another file: who goes back finds what there was, of the one before', async (t) => {
  const folder = await scratch(t);
  const of = (program: string): ReturnType<typeof createIndexCache> =>
    createIndexCache(folder, { ...origin, program }, createKeptLog());
  await of('1').save(knownSamples(1));
  await of('2').save(knownSamples(2));
  t.is((await of('1').load())?.size, 1);
  // As the first versions called it.
  await rename(of('1').file, of('1').file.replace(/-[0-9a-f]{16}\.fleet$/, '.fleet'));
  await utimes(of('2').file, 2_000_000_000, 2_000_000_000);
  await of('3').save(knownSamples(3));
  t.deepEqual(
    (await readdir(folder)).toSorted(),
    [of('2').file, of('3').file].map((file) => basename(file)).toSorted(),
  );
  await createIndexCache(folder, { program: '3', rules: '{}' }, createKeptLog()).save(knownSamples(4));
  t.true(await of('3').clear());
  t.is(
    (await readdir(folder)).length,
    1,
    'what is cleared is cleared for every version, and of these settings only',
  );
});

test('two that save to one file at the same time leave a good one', async (t) => {
  const folder = await scratch(t);
  const caches = [1, 2, 3].map(() => createIndexCache(folder, origin, createKeptLog()));
  await Promise.all(
    caches.flatMap((cache, at) => [5, 50, 500].map((count) => cache.save(knownSamples(count + at)))),
  );
  const loaded = await createIndexCache(folder, origin, createKeptLog()).load();
  t.true((loaded?.size ?? 0) >= 5);
  t.is((await readdir(folder)).length, 1);
});

test('killed at any moment of writing it leaves a good file', async (t) => {
  const folder = await scratch(t);
  const program = resolve('build/test/index/saving-loop.js');
  for (let round = 0; round < 12; round++) {
    const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    await setTimeout(round * 7 + Math.random() * 20);
    child.kill('SIGKILL');
    await closed;
    const result = await createIndexCache(folder, origin, createKeptLog()).read();
    t.true([500, 800].includes(result.known?.size ?? 0), result.problem);
  }
});

test('what killed servers left half-written is removed, never what another writes now', async (t) => {
  const folder = await scratch(t);
  const cache = createIndexCache(folder, origin, createKeptLog());
  const { mine, killed } = await temporaryNames(cache.file);
  await writeFile(killed, 'x');
  await writeFile(mine, 'x');
  await cache.save(knownSamples(1));
  t.deepEqual((await readdir(folder)).length, 2);
  t.is(await readFile(mine, 'utf8'), 'x');
});

test('a folder that cannot be written is one warning that names setting and variable', async (t) => {
  const folder = await scratch(t);
  await writeFile(join(folder, 'file'), '');
  for (const place of [join(folder, 'file', 'below'), '/proc/fleet-depot']) {
    const log = createKeptLog();
    const cache = createIndexCache(place, origin, log);
    await cache.load();
    t.false(await cache.save(knownSamples(3)));
    t.false(await cache.save(knownSamples(3)));
    t.is(log.lines.length, 1, place);
    t.regex(log.lines[0]?.message ?? '', /-cache-dir, EPR_CACHE_DIR/);
    t.is(log.lines[0]?.level, 'warn');
  }
});

test('a full disk is one warning, and the file from before stays good', async (t) => {
  const folder = join(await scratch(t), 'small');
  await mkdir(folder);
  const run = promisify(execFile);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  } catch {
    t.log('skipped: a small file system can be mounted by root only');
    t.pass();
    return;
  }
  try {
    const log = createKeptLog();
    const cache = createIndexCache(folder, origin, log);
    t.true(await cache.save(knownSamples(20)));
    t.false(await cache.save(knownSamples(5000)));
    t.is((await cache.load())?.size, 20);
    t.is((await readdir(folder)).length, 1);
    t.deepEqual(
      log.lines.map(({ level }) => level),
      ['warn'],
    );
    t.regex(log.lines[0]?.message ?? '', /the disk is full/);
  } finally {
    await run('umount', [folder]);
  }
});

test('clearing removes the file and says whether there was one', async (t) => {
  const cache = createIndexCache(await scratch(t), origin, createKeptLog());
  t.false(await cache.clear());
  await cache.save(knownSamples(1));
  t.true(await cache.clear());
  t.is((await cache.read()).problem === undefined, false);
});
