import test, { type ExecutionContext } from 'ava';
import { appendFile, copyFile, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createBundle } from '../../src/bundle/create.ts';
import { collectFolder } from '../../src/bundle/file-set.ts';
import type { Depot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { collectGarbage, planGc } from '../../src/depot/gc.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { labelSnapshot, pinSnapshot } from '../../src/depot/marking.ts';
import { createBundleSite, type BundleSite } from '../support/bundle-site.ts';

const found = async (depot: Depot): Promise<string[]> =>
  (await inspectDepot(depot, () => undefined)).findings.map(
    (one) => `${one.severity} ${path.basename(one.path)}: ${one.reason}`,
  );

/** A depot with three imported snapshots; `edit` changes a file of it, and `found` says nothing before. */
const withDepot = async (
  t: ExecutionContext,
): Promise<{
  site: BundleSite;
  depot: Depot;
  ids: string[];
  edit: (file: string, change: (text: string) => string) => Promise<void>;
}> => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  for (const name of ['a', 'b', 'c']) {
    await site.create({ [`${name}.zip`]: name }, `${name}.tar`);
    await site.import([`${name}.tar`], depot);
  }
  t.deepEqual(await found(depot), []);
  return {
    site,
    depot,
    ids: await depot.snapshots.ids(),
    edit: async (file, change) => writeFile(file, change(await readFile(file, 'utf8'))),
  };
};

const noChange = async (): Promise<undefined> => undefined;

test('a record that names another signer or bundle than the journal is noticed', async (t) => {
  const { depot, ids, edit, site } = await withDepot(t);
  t.is((await depot.journal.read()).lines[1]?.signer, site.signer.fingerprint);
  const record = depot.layout.recordFile(ids[1] ?? '');
  await copyFile(record, site.at('kept'));
  await edit(record, (text) => text.replace(site.signer.fingerprint, 'A'.repeat(40)));
  t.regex((await found(depot)).join(), /^damage .* for its signer: the record was changed$/);
  await copyFile(site.at('kept'), record);
  await edit(record, (text) => text.replace(/"bundle":"[0-9a-f]{64}"/, `"bundle":"${'0'.repeat(64)}"`));
  t.regex((await found(depot)).join(), /^damage .* bundle for this snapshot: the record was changed$/);
});

test('an unsigned bundle is told as such, and a signer that is written into its record later is noticed', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const files = await collectFolder(await site.folder('in', { 'a.zip': 'a' }), () => undefined);
  await createBundle({ files, output: site.at('a.tar') });
  await site.import(['a.tar'], depot, { allowUnsigned: true });
  t.is((await depot.journal.read()).lines[1]?.signer, 'unsigned');
  const record = depot.layout.recordFile((await depot.snapshots.ids())[0] ?? '');
  const text = await readFile(record, 'utf8');
  await writeFile(record, text.replace('"copied"', `"signer":"${'A'.repeat(40)}","copied"`));
  t.regex((await found(depot)).join(), /^damage .* has unsigned for its signer/);
});

test('marks that were edited by hand are noticed, and a pin that they lost still keeps its snapshot', async (t) => {
  const { depot, ids, edit } = await withDepot(t);
  const [a = '', b = ''] = ids;
  await depot.change('test', () => pinSnapshot(depot, a));
  await depot.change('test', () => labelSnapshot(depot, b, 'tested'));
  await depot.change('test', () => pinSnapshot(depot, b));
  t.deepEqual(await found(depot), []);
  await edit(depot.layout.marks, (text) => text.replace(`"${a}",`, '').replace(`"tested": "${b}"`, ''));
  const told = (await found(depot)).join('\n');
  t.regex(told, new RegExp(`damage marks.json: by the journal the pin of ${a} is gone`));
  t.regex(told, new RegExp(`damage marks.json: by the journal the label tested was given to ${b}`));
  t.deepEqual((await planGc(depot, 1)).removed, []);
  await depot.change('test', () => pinSnapshot(depot, a));
  await depot.change('test', () => labelSnapshot(depot, b, 'tested'));
  t.deepEqual(await found(depot), []);
});

test('a pin whose run was cut between journal and marks is a note, and the next change finishes it', async (t) => {
  const { depot, ids } = await withDepot(t);
  const [a = ''] = ids;
  await depot.journal.append({ action: 'pin', snapshot: a });
  t.regex((await found(depot)).join(), /^note marks\.json: by the journal the pin of .* is gone/);
  await depot.change('test', noChange);
  t.deepEqual(await found(depot), []);
  t.regex(await readFile(depot.layout.marks, 'utf8'), new RegExp(a));
});

test('a journal that is gone with its head, or lost its end with it, is damage', async (t) => {
  const { depot, site, edit } = await withDepot(t);
  await copyFile(depot.layout.journal, site.at('kept'));
  await rm(site.at('depot/journal.head'));
  t.deepEqual(await found(depot), [
    'note journal.jsonl: without `journal.head` nobody sees whether its end was cut off; the next change makes it',
  ]);
  await edit(depot.layout.journal, (text) => text.split('\n').slice(0, 3).join('\n').concat('\n'));
  const cut = await found(depot);
  t.is(cut.filter((one) => /^damage .* lines of it are lost$/.test(one)).length, 2);
  t.true(cut.some((one) => /^note current: the journal has .* in force/.test(one)));
  await rm(depot.layout.journal);
  t.deepEqual(await found(depot), ['damage journal.jsonl: it is missing or empty, but there are snapshots']);
  await copyFile(site.at('kept'), depot.layout.journal);
  await depot.change('test', noChange);
});

test('a line that somebody chained to the end by hand is noted', async (t) => {
  const { depot } = await withDepot(t);
  const lines = (await readFile(depot.layout.journal, 'utf8')).trimEnd().split('\n');
  const line = {
    n: lines.length + 1,
    time: '2026-01-01T00:00:00.000Z',
    user: 'mallory',
    action: 'recover',
    previous: digestOf(lines.at(-1) ?? ''),
  };
  await appendFile(depot.layout.journal, `${JSON.stringify(line)}\n`);
  t.deepEqual(await found(depot), [
    'note journal.jsonl: `journal.head` knows 7 of its 8 lines: a run was cut, or somebody else has added the rest',
  ]);
  await depot.change('test', noChange);
  t.deepEqual(await found(depot), []);
  t.regex((await depot.journal.read()).lines.at(-1)?.note ?? '', /^found 1 line after the last one/);
});

test('a current that somebody relinked is noted', async (t) => {
  const { depot, ids } = await withDepot(t);
  await rm(depot.layout.current);
  await symlink(`snapshots/${ids[0]}`, depot.layout.current);
  t.deepEqual(await found(depot), [
    `note current: the journal has ${ids[2]} in force: a run was cut, or somebody else did it; the next change adopts it`,
  ]);
  await depot.change('test', noChange);
  t.deepEqual(await found(depot), []);
});

test('what an import and a gc leave that were cut is no damage', async (t) => {
  const { depot, ids, site } = await withDepot(t);
  const next = '20300101T000000000Z-00000000';
  await writeFile(depot.layout.recordFile(next), 'a record whose folder has not appeared');
  t.regex((await found(depot)).join(), /^note 2030.* it has no snapshot: a run was cut/);
  await depot.change('test', noChange);
  const [a = ''] = ids;
  await depot.journal.append({ action: 'gc', snapshot: a });
  await rename(depot.layout.snapshotFolder(a), site.at(`depot/tmp/gone.${a}`));
  t.deepEqual(
    (await found(depot)).filter((one) => one.startsWith('damage')),
    [],
  );
  await depot.change('gc', () => collectGarbage(depot, 1));
  t.deepEqual(await found(depot), []);
});

test('a new chain accounts for the snapshots, pins and labels that were there', async (t) => {
  const { depot, ids, edit } = await withDepot(t);
  const [a = '', b = ''] = ids;
  await depot.change('test', () => pinSnapshot(depot, a));
  await depot.change('test', () => labelSnapshot(depot, b, 'tested'));
  await edit(depot.layout.journal, (text) => text.replace('"alice"', '"mallory"'));
  await depot.restartJournal();
  t.deepEqual(await found(depot), []);
});

test('what changes while it is checked is looked at again before it is called damage', async (t) => {
  const { depot, ids } = await withDepot(t);
  let looks = 0;
  const list = async (): Promise<string[]> => {
    looks += 1;
    if (looks === 1) {
      // After the journal was read, and before the marks are, as another process would.
      await depot.change('snapshot mark', () => labelSnapshot(depot, ids[0] ?? '', 'tested'));
      await depot.change('gc', () => collectGarbage(depot, 1));
    }
    return depot.content.list();
  };
  t.deepEqual(await found({ ...depot, content: { ...depot.content, list } }), []);
  t.is(looks, 2);

  await depot.change('snapshot mark', async () => {
    await writeFile(depot.layout.marks, '{"pins":[],"labels":{}}');
    const seen = await found(depot);
    t.regex(seen[0] ?? '', /^damage marks\.json/);
    t.regex(seen.at(-1) ?? '', /^note depot: a run was at work here meanwhile/);
  });
});
