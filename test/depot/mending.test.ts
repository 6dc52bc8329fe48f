import test from 'ava';
import { chmod, lstat, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { collectSnapshot } from '../../src/bundle/file-set.ts';
import { checkDepot } from '../../src/cli/verify/depot.ts';
import { snapshot as snapshotVerb } from '../../src/cli/snapshot.ts';
import type { Depot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { digestOfFiles } from '../../src/depot/file-list.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { formatRecord } from '../../src/depot/record.ts';
import { createBundleSite, type BundleSite } from '../support/bundle-site.ts';
import { runVerb } from '../cli/verb-run.ts';

const files = { 'a.zip': 'content a', 'b.zip': 'content b', 'artifacts/c.tar.gz': 'content c' };

const damage = async (depot: Depot): Promise<string[]> =>
  (await inspectDepot(depot, () => undefined)).findings
    .filter((found) => found.severity === 'damage')
    .map((found) => found.reason);

const withDepot = async (t: import('ava').ExecutionContext): Promise<{ site: BundleSite; depot: Depot }> => {
  const site = await createBundleSite(t);
  await site.create(files, 'b.tar');
  const depot = await site.depot();
  await site.import(['b.tar'], depot);
  return { site, depot };
};

test('a snapshot with files that somebody removed or replaced is put right by the bundle it came with', async (t) => {
  const { site, depot } = await withDepot(t);
  const current = site.at('depot/current');
  await rm(`${current}/a.zip`);
  await rm(`${current}/b.zip`);
  await symlink('/etc/hostname', `${current}/b.zip`);
  await rm(`${current}/artifacts`, { recursive: true });
  t.is((await damage(depot)).length, 3);
  const result = await site.import(['b.tar'], depot);
  t.false(result.made);
  t.is(result.mended, 3);
  for (const [name, content] of Object.entries(files)) {
    t.is(await readFile(`${current}/${name}`, 'utf8'), content);
    t.true((await lstat(`${current}/${name}`)).nlink > 1);
  }
  t.deepEqual(await damage(depot), []);
  const told = (await depot.journal.read()).lines.at(-1);
  t.is(told?.action, 'recover');
  t.regex(told?.note ?? '', /^put right 3 files .* the first is a\.zip$/);
});

test('a repair that was cut after the content was whole again is finished by the next import', async (t) => {
  const { site, depot } = await withDepot(t);
  const content = depot.layout.contentFile(digestOf('content a'));
  await chmod(content, 0o644);
  await writeFile(content, 'CONTENT A');
  await writeFile(site.at('whole'), 'content a');
  await rename(site.at('whole'), content);
  t.is((await damage(depot)).length, 1);
  t.is((await site.import(['b.tar'], depot)).mended, 1);
  t.deepEqual(await damage(depot), []);
});

test('a snapshot that got a foreign file is not what was signed: the import makes a clean one', async (t) => {
  const { site, depot } = await withDepot(t);
  const before = await depot.snapshots.current();
  await writeFile(site.at('depot/current/evil-1.0.0.zip'), 'evil');
  const result = await site.import(['b.tar'], depot);
  t.true(result.made);
  t.not(await depot.snapshots.current(), before);
  await t.throwsAsync(readFile(site.at('depot/current/evil-1.0.0.zip')), { code: 'ENOENT' });
  t.is(await readFile(site.at(`depot/snapshots/${before}/evil-1.0.0.zip`), 'utf8'), 'evil');
});

test('nothing is written through a link in the place of a folder', async (t) => {
  const { site, depot } = await withDepot(t);
  await rm(site.at('depot/current/artifacts'), { recursive: true });
  await site.folder('elsewhere', { 'other.txt': 'theirs' });
  await symlink(site.at('elsewhere'), site.at('depot/current/artifacts'));
  await rm(site.at('depot/current/a.zip'));
  await mkdir(site.at('depot/current/a.zip'));
  const result = await site.import(['b.tar'], depot);
  t.true(result.made);
  t.deepEqual(await readdir(site.at('elsewhere')), ['other.txt']);
  t.is(await readFile(site.at('depot/current/artifacts/c.tar.gz'), 'utf8'), 'content c');
  t.is(await readFile(site.at('depot/current/a.zip'), 'utf8'), 'content a');
});

test('rollback puts right what it can and refuses a set that is not as recorded', async (t) => {
  const { site, depot } = await withDepot(t);
  const first = (await depot.snapshots.current()) ?? '';
  await site.create({ 'a.zip': 'content a', 'd.zip': 'content d' }, 'c.tar');
  await site.import(['c.tar'], depot);
  const second = await depot.snapshots.current();
  const rollback = (): ReturnType<typeof runVerb> =>
    runVerb(snapshotVerb, ['rollback', '--depot', site.at('depot')]);
  const folder = depot.layout.snapshotFolder(first);
  await rm(`${folder}/b.zip`);
  await writeFile(`${folder}/evil-1.0.0.zip`, 'evil');
  const refused = (await rollback()).error;
  t.like(refused, { code: 'DEPOT_DAMAGED' });
  t.regex((refused as Error).message, /evil-1\.0\.0\.zip does not belong to it; what is in force stays/);
  t.is(await depot.snapshots.current(), second);
  await rm(`${folder}/evil-1.0.0.zip`);

  const content = depot.layout.contentFile(digestOf('content b'));
  await rename(content, site.at('kept'));
  await rm(`${folder}/b.zip`);
  t.regex(
    ((await rollback()).error as Error).message,
    /b\.zip is missing or other, and its content isn't whole/,
  );
  t.is(await depot.snapshots.current(), second);
  await rename(site.at('kept'), content);

  t.is((await rollback()).exitCode, 0);
  t.is(await depot.snapshots.current(), first);
  t.is(await readFile(site.at('depot/current/b.zip'), 'utf8'), 'content b');
});

test('a link in the place of a file is damage wherever one looks, also where it leads to the very content', async (t) => {
  const { site, depot } = await withDepot(t);
  const file = site.at('depot/current/a.zip');
  const content = depot.layout.contentFile(digestOf('content a'));
  await rm(file);
  await symlink(content, file);
  t.deepEqual(await damage(depot), ['it is no plain file']);
  t.deepEqual(
    (await checkDepot(depot.layout.root)).map((item) => [item.archive, ...item.reasons]),
    [['broken', 'it is no plain file']],
  );
  t.is((await site.import(['b.tar'], depot)).mended, 1);
  t.true((await lstat(file)).isFile());
  t.deepEqual(await damage(depot), []);
});

test('a snapshot whose record and folder were replaced together is neither put in force nor carried on', async (t) => {
  const { site, depot } = await withDepot(t);
  const first = (await depot.snapshots.current()) ?? '';
  await site.create({ 'z.zip': 'content z' }, 'c.tar');
  const { snapshot: second } = await site.import(['c.tar'], depot);
  const known = await depot.snapshots.record(first);
  const replaced = { ...known, files: known.files.slice(1), digest: digestOfFiles(known.files.slice(1)) };
  await writeFile(depot.layout.recordFile(first), formatRecord(replaced));
  await rm(`${depot.layout.snapshotFolder(first)}/a.zip`, { force: true });
  await rm(`${depot.layout.snapshotFolder(first)}/artifacts`, { recursive: true });
  const message = /the journal has another digest for this snapshot: the record was replaced/;
  const { error } = await runVerb(snapshotVerb, ['rollback', '--depot', site.at('depot')]);
  t.like(error, { code: 'DEPOT_DAMAGED' });
  t.regex(error?.message ?? '', message);
  t.is(await depot.snapshots.current(), second);
  await t.throwsAsync(collectSnapshot(depot, first), { code: 'DEPOT_DAMAGED', message });
});
