import test from 'ava';
import { lstat, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DepotError } from '../../src/domain/errors.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { temporaryNames } from '../support/left-temporary.ts';

test('two changes at once: the second is told who is at it', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  await depot.change('bundle import', async () => {
    const error = await t.throwsAsync(
      depot.change('gc', async () => undefined),
      { instanceOf: DepotError, code: 'DEPOT_LOCKED' },
    );
    t.regex(error.message, new RegExp(`\`bundle import\`, process ${process.pid} on `));
  });
  await depot.change('gc', async () => t.pass());
});

test('the lock of a process that is gone, or of an earlier one with the same number, is taken over', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  let mine = '';
  await depot.change('test', async () => {
    mine = await readFile(depot.layout.lock, 'utf8');
  });
  const holder = JSON.parse(mine) as Record<string, unknown>;
  for (const stale of [
    { ...holder, pid: 2 ** 22 - 1, token: 'x' },
    { ...holder, started: '1', token: 'x' },
  ]) {
    await writeFile(depot.layout.lock, JSON.stringify(stale));
    await depot.change('test', async () => t.pass());
  }
  await writeFile(depot.layout.lock, JSON.stringify({ ...holder, machine: 'another-host boot', token: 'x' }));
  await t.throwsAsync(
    depot.change('test', async () => undefined),
    { code: 'DEPOT_LOCKED', message: /on another-host/ },
  );
});

test.serial(
  'the age of a lock of another host is that of its folder, whatever the clock of this machine says',
  async (t) => {
    const site = await createBundleSite(t);
    const depot = await site.depot();
    let mine = '';
    await depot.change('test', async () => {
      mine = await readFile(depot.layout.lock, 'utf8');
    });
    const other = { ...(JSON.parse(mine) as object), machine: 'another-host boot', token: 'x' };
    await writeFile(depot.layout.lock, JSON.stringify(other));
    const { now } = Date;
    Date.now = () => now() + 3_600_000;
    try {
      await t.throwsAsync(
        depot.change('test', async () => undefined),
        { code: 'DEPOT_LOCKED', message: /on another-host/ },
      );
    } finally {
      Date.now = now;
    }
    await utimes(depot.layout.lock, new Date(now() - 180_000), new Date(now() - 180_000));
    Date.now = () => now() - 3_600_000;
    try {
      await depot.change('test', async () => t.pass());
    } finally {
      Date.now = now;
    }
  },
);

test('a lock has its holder in it from the first moment, and what a kill left on the way to it blocks nobody', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const { mine, killed, foreign } = await temporaryNames(depot.layout.lock);
  for (const file of [mine, killed, foreign]) {
    await writeFile(file, '');
  }
  const left = async (): Promise<string[]> =>
    (await readdir(depot.layout.root)).filter((name) => /^\.?lock/.test(name)).toSorted();
  await depot.change('test', async () => {
    t.like(JSON.parse(await readFile(depot.layout.lock, 'utf8')), { verb: 'test', pid: process.pid });
    t.is((await lstat(depot.layout.lock)).nlink, 1);
  });
  t.deepEqual(
    await left(),
    [mine, foreign].map((file) => path.basename(file)).toSorted(),
    'they may be of runs that just begin',
  );
  await utimes(foreign, new Date(0), new Date(0));
  await depot.change('test', async () => undefined);
  t.deepEqual(await left(), [path.basename(mine)]);
});

test('what an earlier version left on the way to its lock, and what says nothing of its writer, goes with the next change', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  for (const name of ['lock.0123456789ab.tmp', '.marks.json.0123456789ab.tmp']) {
    await writeFile(path.join(depot.layout.root, name), '');
  }
  await depot.change('test', async () => undefined);
  t.deepEqual(
    (await readdir(depot.layout.root)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});
