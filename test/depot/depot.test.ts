import test from 'ava';
import { chmod, mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { openDepot, openOrCreateDepot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { diskError } from '../../src/depot/disk-error.ts';
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

test('inspection finds every kind of damage and tells where', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const id = await snapshotOf(depot, { x: 'one', y: 'two' });
  const damage = async (
    work: () => Promise<void>,
    expected: RegExp,
    undo: () => Promise<void>,
  ): Promise<void> => {
    await work();
    t.regex((await reasons(depot)).join('\n'), expected);
    await undo();
    t.deepEqual(await reasons(depot), []);
  };
  const file = depot.layout.contentFile(digestOf('one'));
  await chmod(file, 0o644);
  await damage(
    () => writeFile(file, 'ONE'),
    /damage x its SHA-256 is/,
    () => writeFile(file, 'one'),
  );
  await damage(
    () => rename(site.at('depot/current/y'), site.at('y')),
    /damage y it is missing/,
    () => rename(site.at('y'), site.at('depot/current/y')),
  );
  await damage(
    () => writeFile(site.at('depot/current/z.zip'), ''),
    /damage z\.zip it does not belong/,
    () => rm(site.at('depot/current/z.zip')),
  );
  await damage(
    () => mkdir(site.at('depot/snapshots/mine')),
    /note mine it is no snapshot/,
    () => rm(site.at('depot/snapshots/mine'), { recursive: true }),
  );
  const record = depot.layout.recordFile(id);
  const text = await readFile(record, 'utf8');
  await damage(
    () => writeFile(record, text.replace('"path":"x"', '"path":"w"')),
    /do not add up/,
    () => writeFile(record, text),
  );
  await damage(
    () => writeFile(depot.layout.marks, '{'),
    /marks are not JSON/,
    () => rm(depot.layout.marks),
  );
  await damage(
    async () => {
      await rm(depot.layout.current);
      await symlink('/etc', depot.layout.current);
    },
    /points to \/etc/,
    async () => {
      await rm(depot.layout.current);
      await symlink(`snapshots/${id}`, depot.layout.current);
    },
  );
});

test('a depot that lies on two file systems is told so', async (t) => {
  const site = await createBundleSite(t);
  const target = site.at('depot/snapshots/x');
  const error = Object.assign(new Error('EXDEV: cross-device link not permitted'), { code: 'EXDEV' });
  t.like(diskError(target, error), {
    code: 'FILE_FAILED',
    message: `${target}: it lies on another file system; all of a depot has to be on one`,
  });
});

test('what a crash can leave between two steps is put right by the next change', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const a = await snapshotOf(depot, { x: 'one' });
  const b = await snapshotOf(depot, { x: 'two' });
  await writeFile(site.at('depot/tmp/half'), 'half a content');
  await mkdir(site.at('depot/tmp/snapshot.half'));
  await symlink('snapshots/none', site.at('depot/current.abc.tmp'));
  await writeFile(
    depot.layout.recordFile('20300101T000000000Z-00000000'),
    'a record whose folder never appeared',
  );
  await rm(depot.layout.current);
  await symlink(`snapshots/${a}`, depot.layout.current);
  await depot.change('test', async () => undefined);
  t.deepEqual(await readdir(site.at('depot/tmp')), []);
  t.false((await readdir(site.at('depot'))).includes('current.abc.tmp'));
  t.deepEqual(await depot.snapshots.ids(), [a, b]);
  const last = (await depot.journal.read()).lines.at(-1);
  t.is(last?.action, 'adopt');
  t.is(last?.snapshot, a);
  t.is(await readlink(depot.layout.current), `snapshots/${a}`, 'what a person pointed it to stays');
});

test('a snapshot that the journal does not tell of is adopted, never removed', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  await snapshotOf(depot, { x: 'one' });
  const b = await snapshotOf(depot, { x: 'two' });
  const lines = (await readFile(depot.layout.journal, 'utf8')).trimEnd().split('\n');
  await writeFile(
    depot.layout.journal,
    lines
      .slice(0, 3)
      .map((line) => `${line}\n`)
      .join(''),
  );
  t.regex((await reasons(depot)).join('\n'), /line 4: it is lost, and those up to line 5 are/);
  await t.throwsAsync(
    depot.change('test', async () => undefined),
    { code: 'JOURNAL_BROKEN' },
  );
  // Without it nobody knows that there were more.
  await rm(site.at('depot/journal.head'));
  t.regex((await reasons(depot)).join('\n'), /journal does not tell of this snapshot/);
  await depot.change('test', async () => undefined);
  t.deepEqual(
    (await depot.journal.read()).lines.slice(3).map((line) => [line.action, line.snapshot]),
    [
      ['adopt', b],
      ['adopt', b],
    ],
  );
  t.deepEqual(await reasons(depot), []);
});

test('a broken journal stops every change before it begins', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const a = await snapshotOf(depot, { x: 'one' });
  await writeFile(
    depot.layout.journal,
    (await readFile(depot.layout.journal, 'utf8')).replace('alice', 'mallory'),
  );
  await t.throwsAsync(snapshotOf(depot, { x: 'two' }), { code: 'JOURNAL_BROKEN' });
  t.deepEqual(await depot.snapshots.ids(), [a]);
  await depot.restartJournal();
  await snapshotOf(depot, { x: 'two' });
  t.deepEqual(await reasons(depot), []);
});

test('a folder with other things in it is never turned into a depot', async (t) => {
  const site = await createBundleSite(t);
  await site.folder('home', { 'letter.txt': 'dear' });
  await t.throwsAsync(openOrCreateDepot(site.at('home'), site.environment), {
    code: 'DEPOT_UNKNOWN',
    message: /letter\.txt/,
  });
  await t.throwsAsync(openDepot(site.at('home'), site.environment), {
    code: 'DEPOT_UNKNOWN',
    message: /no depot\.json/,
  });
  await t.throwsAsync(openDepot(site.at('nowhere'), site.environment), { code: 'DEPOT_UNKNOWN' });
  await openOrCreateDepot(site.at('depot'), site.environment);
  await t.throwsAsync(openDepot(site.at('depot/snapshots'), site.environment), {
    code: 'DEPOT_UNKNOWN',
    message: /\/depot\/snapshots is not a depot: it lies inside of one, which is \S+\/depot$/,
  });
  await t.throwsAsync(openOrCreateDepot(site.at('home/letter.txt'), site.environment), {
    code: 'FILE_FAILED',
    message: /letter\.txt: a part of its path is not a folder$/,
  });
  await site.folder('odd', { 'depot.json': '{"format":"fleet-box/1"}' });
  await t.throwsAsync(openDepot(site.at('odd'), site.environment), { code: 'DEPOT_DAMAGED' });
});

test('an import repairs damaged contents, in every snapshot that has them', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'a.zip': 'content a', 'b.zip': 'content b' }, 'b.tar');
  const depot = await site.depot();
  const { snapshot } = await site.import(['b.tar'], depot);
  const file = depot.layout.contentFile(digestOf('content a'));
  await chmod(file, 0o644);
  await writeFile(file, 'CONTENT A');
  t.regex((await reasons(depot)).join('\n'), /its SHA-256 is/);
  const result = await site.import(['b.tar'], depot);
  t.is(result.repaired, 1);
  t.is(result.snapshot, snapshot);
  t.is(await readFile(site.at('depot/current/a.zip'), 'utf8'), 'content a');
  t.deepEqual(await reasons(depot), []);
});

test('the record of a journaled snapshot is kept even where its folder is gone', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const a = await snapshotOf(depot, { x: 'one' });
  await snapshotOf(depot, { x: 'two' });
  await rename(depot.layout.snapshotFolder(a), site.at('moved'));
  await depot.change('test', async () => undefined);
  t.is((await readdir(depot.layout.records)).length, 2);
  t.regex((await reasons(depot)).join('\n'), /its folder is missing/);
});

test('a depot whose only record is damaged takes the bundle that sets it right', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'a.zip': 'content a' }, 'b.tar');
  const depot = await site.depot();
  const { snapshot } = await site.import(['b.tar'], depot);
  await writeFile(depot.layout.recordFile(snapshot), '{}');
  await rm(depot.layout.current);
  await symlink('snapshots/nothing', depot.layout.current);
  const result = await site.import(['b.tar'], depot);
  t.true(result.made);
  t.is(await readFile(site.at('depot/current/a.zip'), 'utf8'), 'content a');
});

const noLinks = (): Promise<void> =>
  Promise.reject(Object.assign(new Error('EPERM: operation not permitted, symlink'), { code: 'EPERM' }));

test('where there are no symbolic links no depot is made, and none is changed that was copied there', async (t) => {
  const site = await createBundleSite(t);
  const environment = { ...site.environment, linkFolder: noLinks };
  const refusal = {
    code: 'DEPOT_PLACE_UNFIT',
    message: `${site.at('usb')} cannot hold a depot: its file system makes no symbolic links, as FAT and exFAT`,
  };
  await t.throwsAsync(openOrCreateDepot(site.at('usb'), environment), refusal);
  t.deepEqual(await readdir(site.root), []);
  await mkdir(site.at('usb'));
  await t.throwsAsync(openOrCreateDepot(site.at('usb'), environment), refusal);
  t.deepEqual(await readdir(site.at('usb')), []);
  await site.depot('usb');
  const copied = await openOrCreateDepot(site.at('usb'), environment);
  await t.throwsAsync(
    copied.change('bundle import', async () => t.fail('gigabytes were copied')),
    refusal,
  );
});

test('where new folders are answered as if their place were not there, making a depot ends', async (t) => {
  await t.throwsAsync(openOrCreateDepot('/proc/fleet-depot/new', (await createBundleSite(t)).environment), {
    code: 'FILE_FAILED',
  });
});

test('`current` that is lost is told as that', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  await snapshotOf(depot, { x: 'one' });
  await rm(depot.layout.current);
  await t.throwsAsync(depot.snapshots.resolve('current'), {
    message: 'no snapshot "current": `current` is missing; `snapshot rollback ID` sets it',
  });
});
