import test from 'ava';
import { chmod, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { digestOf } from '../../src/files/digest.ts';
import { collectGarbage, planGc, previewGc } from '../../src/depot/gc.ts';
import { labelSnapshot, pinSnapshot, unpinSnapshot } from '../../src/depot/marking.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { one, reasons, snapshotOf } from '../support/made-snapshot.ts';

test('gc keeps current, pinned, labelled and the newest, and frees just what it said', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const big = (seed: string): string => seed.repeat(10_000);
  const ids: string[] = [];
  for (const seed of ['a', 'b', 'c', 'd', 'e', 'f']) {
    ids.push(await snapshotOf(depot, { shared: 'same', own: big(seed) }));
  }
  const [a = '', b = '', c = '', d = '', e = '', f = ''] = ids;
  await depot.change('test', async () => {
    await depot.snapshots.switchTo(b, 'rollback');
    await pinSnapshot(depot, c);
    await labelSnapshot(depot, d, 'release');
  });
  const plan = await planGc(depot, 1);
  t.deepEqual(plan.removed, [a, e]);
  t.deepEqual(plan.kept, [
    { id: b, why: ['current'] },
    { id: c, why: ['pinned'] },
    { id: d, why: ['label release'] },
    { id: f, why: ['one of the newest 1'] },
  ]);
  t.is(plan.contents.length, 2);
  t.is(plan.freedBytes, 20_000);
  t.deepEqual(await depot.snapshots.ids(), ids, 'planning changes nothing');
  await depot.change('gc', () => collectGarbage(depot, 1));
  t.deepEqual(await depot.snapshots.ids(), [b, c, d, f]);
  t.is((await depot.content.list()).length, 5);
  t.deepEqual(await reasons(depot), []);
  await depot.change('test', () => unpinSnapshot(depot, c));
  t.deepEqual((await planGc(depot, 1)).removed, [c]);
  await t.throwsAsync(planGc(depot, 0), { code: 'USAGE' });
});

test('bytes that a file outside still holds are not counted as freed', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  await snapshotOf(depot, { x: 'x'.repeat(5000) });
  await snapshotOf(depot, { x: 'y' });
  const { link } = await import('node:fs/promises');
  await link(depot.layout.contentFile(digestOf('x'.repeat(5000))), site.at('elsewhere'));
  t.is((await planGc(depot, 1)).freedBytes, 0);
});

test('a gc that was cut after it moved a snapshot away is finished by the next change', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const a = await snapshotOf(depot, { x: 'one' });
  await snapshotOf(depot, { x: 'two' });
  await depot.change('gc', async () => {
    await depot.journal.append({ action: 'gc', snapshot: a });
    await rename(depot.layout.snapshotFolder(a), site.at(`depot/tmp/gone.${a}`));
  });
  await depot.change('test', async () => undefined);
  t.deepEqual(await readdir(site.at('depot/tmp')), []);
  t.is((await readdir(depot.layout.records)).length, 1);
  await depot.change('gc', () => collectGarbage(depot, 1));
  t.is((await depot.content.list()).length, 1);
  t.deepEqual(await reasons(depot), []);
});

test('gc only looks while nobody is at work: what an import has stored is no garbage', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  await snapshotOf(depot, { x: 'one' });
  const intake = depot.content.intake();
  const arriving = { sha256: digestOf('arriving'), size: 8 };
  await depot.change('bundle import', async () => {
    await intake.take(arriving, one('arriving'), (reason) => new Error(reason));
    await intake.finish();
    await t.throwsAsync(previewGc(depot, 1), { code: 'DEPOT_LOCKED', message: /`bundle import`, process/ });
  });
  t.deepEqual(
    (await previewGc(depot, 1)).contents,
    [arriving.sha256],
    'of a run that is over without a snapshot it is',
  );
  const text = await readFile(depot.layout.journal, 'utf8');
  await writeFile(depot.layout.journal, text.replace('alice', 'mallory'));
  await t.throwsAsync(previewGc(depot, 1), { code: 'JOURNAL_BROKEN' });
});

test('contents of a snapshot whose folder somebody took away are kept: they are all it can be put right from', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'a.zip': 'content a', 'deep/b.zip': 'content b' }, 'old.tar');
  await site.create({ 'c.zip': 'content c' }, 'new.tar');
  const depot = await site.depot();
  const { snapshot: old } = await site.import(['old.tar'], depot);
  await rm(depot.layout.snapshotFolder(old), { recursive: true });
  t.deepEqual(
    (await depot.change('gc', () => collectGarbage(depot, 1))).contents,
    [],
    'it is the one in force',
  );
  const { snapshot } = await site.import(['new.tar'], depot);
  t.is((await depot.change('gc', () => collectGarbage(depot, 2))).contents.length, 0);
  await t.throwsAsync(depot.snapshots.resolve(old), { code: 'SNAPSHOT_UNKNOWN' });
  t.is((await depot.change('mend', () => depot.snapshots.mend(old))).mended.length, 2);
  t.deepEqual(await reasons(depot), []);

  await rm(depot.layout.snapshotFolder(old), { recursive: true });
  const plan = await depot.change('gc', () => collectGarbage(depot, 1));
  t.deepEqual([plan.removed, plan.contents.length], [[old], 2]);
  t.deepEqual(await depot.snapshots.recorded(), [snapshot]);
  t.deepEqual(await reasons(depot), []);
});

test('gc says nothing to the journal of a snapshot that it can not remove', async (t) => {
  if (process.getuid?.() === 0) {
    t.log('root may write everywhere: not tried');
    t.pass();
    return;
  }
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const old = await snapshotOf(depot, { x: 'one' });
  await snapshotOf(depot, { x: 'two' });
  await chmod(depot.layout.snapshotFolder(old), 0o555);
  await t.throwsAsync(
    depot.change('gc', () => collectGarbage(depot, 1)),
    { code: 'FILE_FAILED', message: new RegExp(`${old}: permission denied`) },
  );
  t.false((await depot.journal.read()).lines.some((line) => line.action === 'gc'));
  await chmod(depot.layout.snapshotFolder(old), 0o755);
});
