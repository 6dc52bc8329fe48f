import test from 'ava';
import { mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createBundleSite } from '../support/bundle-site.ts';
import { reasons, snapshotOf } from '../support/made-snapshot.ts';

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
