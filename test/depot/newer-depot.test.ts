import test from 'ava';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { openDepot, type Depot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { collectGarbage, previewGc } from '../../src/depot/gc.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { writeJournalHead } from '../../src/depot/journal-head.ts';
import { labelSnapshot, pinSnapshot } from '../../src/depot/marking.ts';
import { readMarks } from '../../src/depot/marks.ts';
import { createBundleSite, visibleState, type BundleSite } from '../support/bundle-site.ts';
import { reasons, snapshotOf } from '../support/made-snapshot.ts';

const newer = (file: string): { code: string; message: RegExp } => ({
  code: 'FORMAT_NEWER',
  message: new RegExp(`${file} was made by a newer version of Fleet Depot: `),
});

const withSnapshots = async (
  t: import('ava').ExecutionContext,
): Promise<{ site: BundleSite; depot: Depot; ids: readonly string[] }> => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const ids = [await snapshotOf(depot, { x: 'one' }), await snapshotOf(depot, { x: 'two' })];
  return { site, depot, ids };
};

const replaceIn = async (file: string, from: string, to: string): Promise<void> =>
  writeFile(file, (await readFile(file, 'utf8')).replace(from, to));

/** A line as a newer version would add it, head included. */
const addLine = async (depot: Depot, action: string): Promise<void> => {
  const { lines, head } = await depot.journal.read();
  const line = JSON.stringify({
    n: lines.length + 1,
    time: '2030-01-01T00:00:00.000Z',
    user: 'bob',
    action,
    colour: 'red',
    previous: head,
  });
  await appendFile(depot.layout.journal, `${line}\n`);
  await writeJournalHead(depot.layout.journal.replace('.jsonl', '.head'), lines.length + 1, line);
};

test('a depot of a later format is not opened', async (t) => {
  const { site, depot } = await withSnapshots(t);
  await replaceIn(depot.layout.marker, 'fleet-depot/1', 'fleet-depot/2');
  await t.throwsAsync(openDepot(site.at('depot'), site.environment), newer('depot.json'));
});

test('a record of a later format stops what needs it, and gc of its contents', async (t) => {
  const { depot, ids } = await withSnapshots(t);
  const [first = '', second = ''] = ids;
  await replaceIn(depot.layout.recordFile(second), 'snapshot/1', 'snapshot/2');
  await t.throwsAsync(depot.snapshots.record(second), newer(`${second}.json`));
  const before = await visibleState(depot.layout.root);
  await t.throwsAsync(
    depot.change('gc', () => collectGarbage(depot, 1)),
    newer(`${second}.json`),
  );
  t.is(await visibleState(depot.layout.root), before);
  t.is((await depot.content.list()).length, 2);
  await depot.change('test', () => depot.snapshots.switchTo(first, 'rollback'));
  t.is(await depot.snapshots.current(), first, 'what is understood can be gone back to');
});

test('marks of a later format keep gc and new marks away; those of before, without a format, count', async (t) => {
  const { depot, ids } = await withSnapshots(t);
  const [first = '', second = ''] = ids;
  const { marks } = depot.layout;
  await depot.change('test', () => pinSnapshot(depot, first));
  const now = JSON.parse(await readFile(marks, 'utf8')) as Record<string, unknown>;
  t.is(now['format'], 'fleet-depot-marks/1');

  const { format: _, ...before } = now;
  await writeFile(marks, JSON.stringify(before));
  t.deepEqual((await readMarks(marks)).pins, [first]);
  await depot.change('test', () => labelSnapshot(depot, second, 'good'));
  t.deepEqual(await reasons(depot), []);

  const text = JSON.stringify({ ...now, format: 'fleet-depot-marks/2', holds: [second] });
  await writeFile(marks, text);
  await t.throwsAsync(previewGc(depot, 1), newer('marks.json'));
  await t.throwsAsync(
    depot.change('test', () => pinSnapshot(depot, second)),
    newer('marks.json'),
  );
  t.is(await readFile(marks, 'utf8'), text);
  for (const format of [7, 'something', null]) {
    await writeFile(marks, JSON.stringify({ ...now, format }));
    await t.throwsAsync(readMarks(marks), { code: 'DEPOT_DAMAGED', message: /format of the marks/ });
  }
});

test('a journal with a line that only a newer version knows is shown whole, and nothing is changed over it', async (t) => {
  const { depot, ids } = await withSnapshots(t);
  const [first = ''] = ids;
  await addLine(depot, 'seal');
  await addLine(depot, 'unpin');
  const state = await depot.journal.read();
  t.deepEqual(
    state.lines.slice(-2).map(({ action }): string => action),
    ['seal', 'unpin'],
  );
  const before = await visibleState(depot.layout.root);
  const refused = newer('journal.jsonl');
  await t.throwsAsync(previewGc(depot, 1), refused);
  await t.throwsAsync(
    depot.change('test', () => pinSnapshot(depot, first)),
    refused,
  );
  await t.throwsAsync(depot.journal.append({ action: 'gc' }), refused);
  await t.throwsAsync(depot.restartJournal(), refused, 'it is not broken');
  t.is(await visibleState(depot.layout.root), before);
  const { findings } = await inspectDepot(depot, () => undefined);
  t.deepEqual(
    findings.map(({ reason }) => reason),
    ["line 6: it tells of `seal`, which this version doesn't know: a newer one wrote it"],
  );
});

test('a strange last line that `journal.head` does not vouch for may be set aside: somebody may have altered it', async (t) => {
  const { depot } = await withSnapshots(t);
  await addLine(depot, 'seal');
  await rm(depot.layout.journal.replace('.jsonl', '.head'));
  const text = await readFile(depot.layout.journal, 'utf8');
  t.true((await readFile(await depot.restartJournal(), 'utf8')) === text);
  t.deepEqual(await reasons(depot), []);
  t.regex((await depot.journal.read()).lines[0]?.note ?? '', new RegExp(digestOf(text)));
});
