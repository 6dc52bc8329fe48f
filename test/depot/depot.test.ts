import test from 'ava';
import { mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile, chmod } from 'node:fs/promises';
import path from 'node:path';
import { openDepot, openOrCreateDepot, type Depot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/depot/digest.ts';
import { diskError } from '../../src/depot/durable-file.ts';
import type { SnapshotFile } from '../../src/depot/file-list.ts';
import { collectGarbage, planGc } from '../../src/depot/gc.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { labelSnapshot, pinSnapshot, unlabelSnapshot, unpinSnapshot } from '../../src/depot/marking.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { createBundleSite } from '../support/bundle-site.ts';

const quiet = (): void => undefined;

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Stores contents and makes a snapshot of them, current at once. */
const snapshotOf = async (depot: Depot, files: Readonly<Record<string, string>>): Promise<string> =>
  depot.change('test', async () => {
    const intake = depot.content.intake();
    const list: SnapshotFile[] = Object.entries(files).map(([name, text]) => ({
      path: name,
      sha256: digestOf(text),
      size: Buffer.byteLength(text),
    }));
    for (const file of list) {
      if (!(await depot.content.has(file))) {
        await intake.take(file, one(files[file.path] ?? ''), (reason) => new Error(reason));
      }
    }
    await intake.finish();
    const { record } = await depot.snapshots.create(list, {});
    await depot.snapshots.switchTo(record.id, 'switch');
    return record.id;
  });

const reasons = async (depot: Depot): Promise<string[]> =>
  (await inspectDepot(depot, quiet)).findings.map(
    (found) => `${found.severity} ${path.basename(found.path)} ${found.reason}`,
  );

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
  await t.throwsAsync(openOrCreateDepot(site.at('home/letter.txt'), site.environment), {
    code: 'FILE_FAILED',
    message: /letter\.txt: a part of the path is not a folder$/,
  });
  await site.folder('odd', { 'depot.json': '{"format":"fleet-depot/9"}' });
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
