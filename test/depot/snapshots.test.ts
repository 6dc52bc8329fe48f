import test from 'ava';
import { readFile } from 'node:fs/promises';
import { openOrCreateDepot } from '../../src/depot/depot.ts';
import { planGc } from '../../src/depot/gc.ts';
import { labelSnapshot, unlabelSnapshot } from '../../src/depot/marking.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { reasons, snapshotOf } from '../support/made-snapshot.ts';

test('ids sort by time also when the clock is set back', async (t) => {
  const site = await createBundleSite(t);
  const times = [
    '2026-05-01T12:00:00Z',
    '2026-05-01T12:00:00Z',
    '2020-01-01T00:00:00Z',
    '2026-05-01T12:00:00.001Z',
    '2027-01-01T00:00:00Z',
  ];
  let at = 0;
  const depot = await openOrCreateDepot(site.at('depot'), {
    user: () => 'alice',
    clock: () => new Date(times[at] ?? ''),
  });
  const made: string[] = [];
  for (at = 0; at < times.length; at += 1) {
    made.push(await snapshotOf(depot, { 'a.zip': `version ${at}` }));
  }
  t.deepEqual([...made].toSorted(), made);
  t.deepEqual(await depot.snapshots.ids(), made);
  t.is(await depot.snapshots.current(), made.at(-1));
  t.regex(made[0] ?? '', /^20260501T120000000Z-[0-9a-f]{8}$/);
  t.is((await depot.journal.read()).fault, undefined);
});

test('rollback by default, id, its beginning and label; the way back is a switch as well', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const [a, b, c] = [
    await snapshotOf(depot, { x: '1' }),
    await snapshotOf(depot, { x: '2' }),
    await snapshotOf(depot, { x: '3' }),
  ];
  t.is(await depot.snapshots.resolve('previous'), b);
  await depot.change('test', () => depot.snapshots.switchTo(b, 'rollback'));
  t.is(await readFile(site.at('depot/current/x'), 'utf8'), '2');
  t.is(await depot.snapshots.resolve('previous'), a);
  await depot.change('test', () => labelSnapshot(depot, c, 'tested'));
  t.is(await depot.snapshots.resolve('tested'), c);
  t.is(await depot.snapshots.resolve('current'), b);
  t.is(await depot.snapshots.resolve(a.slice(0, -1)), a);
  await t.throwsAsync(depot.snapshots.resolve('2026'), {
    code: 'SNAPSHOT_UNKNOWN',
    message: /3 ids begin so/,
  });
  await t.throwsAsync(depot.snapshots.resolve('../..'), { code: 'SNAPSHOT_UNKNOWN' });
  await depot.change('test', () => unlabelSnapshot(depot, 'tested'));
  await t.throwsAsync(depot.snapshots.resolve('tested'), { code: 'SNAPSHOT_UNKNOWN' });
  await depot.change('test', () => depot.snapshots.switchTo(a, 'rollback'));
  await t.throwsAsync(depot.snapshots.resolve('previous'), {
    code: 'SNAPSHOT_UNKNOWN',
    message: /none before/,
  });
  await t.throwsAsync(
    depot.change('test', () => labelSnapshot(depot, a, 'current')),
    { code: 'USAGE' },
  );
  t.deepEqual(
    (await depot.journal.read()).lines
      .filter((line) => line.action === 'rollback')
      .map((line) => line.snapshot),
    [b, a],
  );
});

test('the one before is what was in force before, never what somebody has just turned away from', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const a = await snapshotOf(depot, { x: 'good' });
  const b = await snapshotOf(depot, { x: 'bad' });
  await depot.change('test', () => depot.snapshots.switchTo(a, 'rollback'));
  const c = await snapshotOf(depot, { x: 'mended' });
  t.is(await depot.snapshots.resolve('previous'), a);
  await depot.change('test', () => depot.snapshots.switchTo(a, 'rollback'));
  await t.throwsAsync(depot.snapshots.resolve('previous'), { message: /none before/ });
  // Forward again by name: the way back is the way that it came.
  await depot.change('test', () => depot.snapshots.switchTo(c, 'rollback'));
  t.is(await depot.snapshots.resolve('previous'), a);
  await depot.change('test', () => depot.snapshots.switchTo(b, 'rollback'));
  t.is(await depot.snapshots.resolve('previous'), c);
});

test('where hard links can not be had, files are copied and it is said how many', async (t) => {
  const site = await createBundleSite(t);
  const linkFile = async (): Promise<void> => {
    throw Object.assign(new Error('no links here'), { code: 'EPERM' });
  };
  const depot = await openOrCreateDepot(site.at('depot'), { ...site.environment, linkFile });
  const id = await snapshotOf(depot, { 'a/x': 'one', y: 'two' });
  t.is((await depot.snapshots.record(id)).copied, 2);
  t.is(await readFile(site.at('depot/current/a/x'), 'utf8'), 'one');
  t.deepEqual(await reasons(depot), []);
  await snapshotOf(depot, { z: 'three' });
  t.is((await planGc(depot, 1)).freedBytes, 12, 'both the content and its copy');
});
