import { execFileSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { createBundle } from '../../src/bundle/create.ts';
import { collectFolder } from '../../src/bundle/file-set.ts';
import { parseReceipt, receiptOf } from '../../src/bundle/receipt.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import type { Depot } from '../../src/depot/depot.ts';
import { collectGarbage } from '../../src/depot/gc.ts';
import { readMarks } from '../../src/depot/marks.ts';
import { openJournal } from '../../src/mirror/record/journal.ts';
import { formatLockFile, parseLockFile } from '../../src/mirror/record/lock-file.ts';
import { createBundleSite, type BundleSite } from '../support/bundle-site.ts';
import {
  firstBundle,
  firstDepot,
  firstJournalLine,
  firstLocks,
  firstReceipt,
} from '../support/first-formats.ts';
import { reasons } from '../support/made-snapshot.ts';
import { scratch } from '../support/scratch.ts';

const [pinned, labelled] = ['20261126T042141898Z-97d796ba', '20261126T042144821Z-ece3dc26'];

const unpacked = async (site: BundleSite): Promise<Depot> => {
  const tar = gunzipSync(Buffer.from(firstDepot, 'base64'));
  execFileSync('tar', ['-xf', '-', '-C', site.root], { input: tar });
  return site.depot();
};

test('a depot of the first version is read whole, changed, collected and gone back in', async (t) => {
  const site = await createBundleSite(t);
  const depot = await unpacked(site);
  t.deepEqual(await depot.snapshots.ids(), [pinned, labelled]);
  t.is(await depot.snapshots.current(), labelled);
  const marks = await readMarks(depot.layout.marks);
  t.deepEqual(marks, { pins: [pinned], labels: new Map([['good', labelled]]) });
  t.deepEqual(await reasons(depot), [
    'note journal.jsonl without `journal.head` nobody sees whether its end was cut off; the next change makes it',
  ]);
  await depot.smallChange('test', () => depot.snapshots.switchTo(pinned, 'rollback'));
  t.deepEqual(await reasons(depot), []);
  const { removed, contents } = await depot.change('gc', () => collectGarbage(depot, 1));
  t.deepEqual([removed, contents], [[], []]);
  t.deepEqual(readdirSync(site.at('depot/current')), ['a-1.0.0.zip', 'a-1.0.0.zip.sig', 'b-1.0.0.zip']);
});

test('a receipt of the first version is that of now, and leaves out of a bundle what its depot has', async (t) => {
  const site = await createBundleSite(t);
  const depot = await unpacked(site);
  const receipt = parseReceipt(firstReceipt, 'receipt.txt');
  t.deepEqual(receipt, await receiptOf(depot, labelled));
  const folder = await site.folder('new', { 'a-1.0.0.zip': 'content of a', 'c-1.0.0.zip': 'content of c' });
  const files = await collectFolder(folder, () => undefined);
  const created = await createBundle({
    files,
    since: receipt,
    signer: site.signer,
    output: site.at('b.tar'),
  });
  t.is(created.heldFiles, 1);
  const { written } = await site.import(['b.tar'], depot);
  t.is(written, 1);
});

test('a bundle of the first version is verified and imported', async (t) => {
  const site = await createBundleSite(t);
  writeFileSync(site.at('first.tar'), gunzipSync(Buffer.from(firstBundle, 'base64')));
  const unsigned = { allowUnsigned: true };
  const [volume] = await verifyBundle(await site.open(['first.tar'], unsigned), () => undefined);
  t.is(volume?.contents, 3);
  const depot = await site.depot();
  t.is((await site.import(['first.tar'], depot, unsigned)).written, 3);
  t.deepEqual(await reasons(depot), []);
});

test('lock files of the first versions are read, and written as they were', (t) => {
  for (const text of Object.values(firstLocks)) {
    t.is(formatLockFile(parseLockFile(text, 'distribution.lock')), text);
  }
});

test('what the first sync has checked needs no second look', async (t) => {
  const folder = await scratch(t);
  const [file, archive] = [join(folder, 'journal.jsonl'), join(folder, 'a-1.0.0.zip')];
  writeFileSync(archive, 'content of a');
  const stats = statSync(archive);
  writeFileSync(file, firstJournalLine(stats.mtimeMs, stats.ino));
  const journal = await openJournal(file, true);
  t.is(journal.recall('a-1.0.0', stats)?.signature?.size, 14);
  await journal.close();
});
