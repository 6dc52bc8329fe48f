import test from 'ava';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { collectFolder } from '../../src/bundle/file-set.ts';
import { createBundle } from '../../src/bundle/create.ts';
import { importBundle } from '../../src/bundle/import.ts';
import { openOrCreateDepot } from '../../src/depot/depot.ts';
import { collectGarbage } from '../../src/depot/gc.ts';
import { pinSnapshot, unpinSnapshot } from '../../src/depot/marking.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { smallDisk } from '../support/small-disk.ts';
import { createBundleSite, carriedFiles, visibleState, type BundleSite } from '../support/bundle-site.ts';

const quiet = (): void => undefined;
const child = path.resolve('build/test/support/import-child.js');

const unsigned = async (
  site: BundleSite,
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<void> => {
  const folder = await site.folder(`${name}.in`, files);
  await createBundle({ files: await collectFolder(folder, quiet), output: site.at(name) });
};

for (const after of [1, 7, 20, 29]) {
  test(`an import killed after content ${after} leaves nothing visible and goes on where it was`, async (t) => {
    const site = await createBundleSite(t);
    await unsigned(site, 'old.tar', carriedFiles(2, 1000, 'old'));
    await unsigned(site, 'new.tar', carriedFiles(15));
    const depot = await site.depot();
    await site.import(['old.tar'], depot, { allowUnsigned: true });
    const before = await visibleState(depot.layout.root);

    const run = spawn(process.execPath, [child, depot.layout.root, site.at('new.tar'), String(after)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const closed = once(run, 'close');
    let lines = 0;
    for await (const line of createInterface({ input: run.stdout })) {
      lines += 1;
      t.not(line, 'done');
      if (lines === after) {
        run.kill('SIGKILL');
      }
    }
    const [, signal] = (await closed) as [number | null, string | null];
    t.is(signal, 'SIGKILL');
    t.is(await visibleState(depot.layout.root), before);
    t.true((await stat(depot.layout.lock)).isFile(), 'the lock of the killed run is still there');
    const stored = (await depot.content.list()).length - 4;
    t.true(stored > 0 || after === 1);

    const result = await site.import(['new.tar'], depot, { allowUnsigned: true });
    t.is(result.reused, stored, 'what was stored is not written again');
    t.is(result.written, 30 - stored);
    t.deepEqual(await readdir(depot.layout.temporary), []);
    t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
  });
}

test('a Ctrl-C in the middle of an import leaves the depot as it was and frees the lock', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(10), 'b.tar');
  const depot = await site.depot();
  const bundle = await site.open(['b.tar']);
  const stop = new AbortController();
  const work = depot.change('bundle import', () =>
    importBundle(bundle, depot, (bytes) => void (bytes > 10_000 && stop.abort()), stop.signal),
  );
  await t.throwsAsync(work, { any: true, name: 'AbortError' });
  t.deepEqual(await depot.snapshots.ids(), []);
  t.true((await site.import(['b.tar'], depot)).reused > 0);
});

test('a disk that is full at whatever step leaves the last good state, and the import passes once there is room', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(2, 1000, 'old'), 'old.tar');
  await site.create(carriedFiles(4), 'new.tar');
  const disk = await smallDisk(t, 'size=64m,nr_inodes=4000');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const depot = await openOrCreateDepot(path.join(disk, 'depot'), site.environment);
  await site.import(['old.tar'], depot);
  const before = await visibleState(depot.layout.root);
  const bundle = await site.open(['new.tar']);
  const used = Number(
    execFileSync('df', ['--output=iused', disk], { encoding: 'utf8' }).trim().split('\n')[1],
  );

  // Every new file, folder and link takes an inode: with each one more, the import comes one step further.
  let failures = 0;
  for (let inodes = used + 1; ; inodes += 1) {
    execFileSync('mount', ['-o', `remount,nr_inodes=${inodes}`, disk]);
    const outcome = await depot
      .change('bundle import', () => importBundle(bundle, depot, quiet))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    if (outcome === undefined) {
      break;
    }
    failures += 1;
    t.true(outcome instanceof DepotError && outcome.code === 'DEPOT_FULL', inspect(outcome));
    const visible = await visibleState(depot.layout.root);
    t.is(
      visible
        .split('\n')
        .filter((line) => line.startsWith('snapshots/') && line.includes('current'))
        .join(),
      '',
    );
    t.is(await depot.snapshots.current(), (await depot.snapshots.ids())[0], 'current is still the old one');
    if ((await depot.snapshots.ids()).length === 1) {
      t.is(visible, before);
    }
    t.false((await readdir(disk + '/depot')).includes('lock'), 'no lock stays');
    if (failures > 200) {
      throw new Error('it never passed');
    }
  }
  t.true(failures > 10, `${failures} steps`);
  t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
  t.is((await depot.snapshots.ids()).length, 2);
});

test('a disk without room for the contents is noticed before anything is written', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(4, 400_000), 'b.tar');
  const disk = await smallDisk(t, 'size=1m');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const depot = await openOrCreateDepot(path.join(disk, 'depot'), site.environment);
  const error = await t.throwsAsync(site.import(['b.tar'], depot), {
    instanceOf: DepotError,
    code: 'DEPOT_FULL',
  });
  t.regex(error.message, /bytes are needed, \d+ are free/);
  t.deepEqual(await depot.content.list(), []);
});

test('a disk that others fill during the import ends it with the last good state', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(6, 400_000), 'b.tar');
  const disk = await smallDisk(t, 'size=16m');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const depot = await openOrCreateDepot(path.join(disk, 'depot'), site.environment);
  const bundle = await site.open(['b.tar']);
  const fill = async (): Promise<void> =>
    writeFile(path.join(disk, 'filler'), Buffer.alloc(15 << 20)).catch(() => undefined);
  let filled: Promise<void> | undefined;
  const work = depot.change('bundle import', () =>
    importBundle(bundle, depot, () => void (filled ??= fill())),
  );
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  await filled;
  t.true(outcome instanceof DepotError && outcome.code === 'DEPOT_FULL', inspect(outcome));
  t.deepEqual(await depot.snapshots.ids(), []);
  await rm(path.join(disk, 'filler'));
  await site.import(['b.tar'], depot);
  t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
});

test('on a full disk a snapshot can still be pinned and rolled back, and gc frees what is old', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(3, 300_000, 'old'), 'old.tar');
  await site.create(carriedFiles(3, 300_000, 'new'), 'new.tar');
  const disk = await smallDisk(t, 'size=24m');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const depot = await openOrCreateDepot(path.join(disk, 'depot'), site.environment);
  await site.import(['old.tar'], depot);
  await site.import(['new.tar'], depot);
  const [first = '', second = ''] = await depot.snapshots.ids();
  const fill = (): Promise<void> => writeFile(path.join(disk, 'filler'), Buffer.alloc(32 << 20)).catch(quiet);
  await fill();
  await t.throwsAsync(
    depot.change('bundle import', async () => undefined),
    { code: 'DEPOT_FULL' },
  );
  await depot.smallChange('snapshot mark', () => pinSnapshot(depot, second));
  await depot.smallChange('snapshot rollback', () => depot.snapshots.switchTo(first, 'rollback'));
  await depot.smallChange('snapshot mark', () => unpinSnapshot(depot, second));
  await depot.smallChange('snapshot rollback', () => depot.snapshots.switchTo(second, 'rollback'));
  const { removed } = await depot.smallChange('gc', () => collectGarbage(depot, 1));
  t.deepEqual(removed, [first]);
  t.deepEqual(await depot.snapshots.ids(), [second]);
  // What was freed is kept back again, so that the next full disk is no trap either.
  await fill();
  await depot.smallChange('snapshot mark', () => pinSnapshot(depot, second));
  t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
});

test('a full disk leaves no half bundle: one that is too small is told at once, one that fills up when it is full', async (t) => {
  const site = await createBundleSite(t);
  const disk = await smallDisk(t, 'size=3m');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const files = await collectFolder(await site.folder('in', carriedFiles(4, 400_000)), quiet);
  await mkdir(path.join(disk, 'out'));
  const output = path.join(disk, 'out', 'b.tar');
  const filler = path.join(disk, 'filler');
  const filling = (): void => {
    const bytes = statfsSync(disk).bavail * statfsSync(disk).bsize;
    writeFileSync(filler, Buffer.alloc(bytes - 100_000));
  };
  const request = { files, output, signer: site.signer, volumeBytes: 600_000 };
  const unfit = { code: 'BUNDLE_UNFIT' };
  await t.throwsAsync(createBundle({ ...request, progress: () => existsSync(filler) || filling() }), {
    ...unfit,
    message: `${output}: the disk is full`,
  });
  await t.throwsAsync(createBundle({ ...request, progress: () => t.fail('something was written') }), {
    ...unfit,
    message: /b\.tar: the bundle has 16\d{5} bytes, \d+ are free on that disk$/,
  });
  t.deepEqual(await readdir(path.join(disk, 'out')), []);
});

test('a second process that imports into the same depot is told of the first', async (t) => {
  const site = await createBundleSite(t);
  await unsigned(site, 'b.tar', carriedFiles(10));
  const depot = await site.depot();
  const run = spawn(process.execPath, [child, depot.layout.root, site.at('b.tar'), '1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(run, 'close');
  await once(run.stdout, 'data');
  await t.throwsAsync(site.import(['b.tar'], depot, { allowUnsigned: true }), {
    code: 'DEPOT_LOCKED',
    message: new RegExp(`\`bundle import\`, process ${run.pid} on`),
  });
  run.stdout.resume();
  run.stdin.end('x');
  t.deepEqual(await closed, [0, null]);
  t.is((await depot.snapshots.ids()).length, 1);
  t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
});
