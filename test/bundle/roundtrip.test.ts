import test from 'ava';
import { execFileSync } from 'node:child_process';
import { readFile, readdir, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as fc from 'fast-check';
import { collectFolder, collectSnapshot } from '../../src/bundle/file-set.ts';
import { createBundle } from '../../src/bundle/create.ts';
import { planImport } from '../../src/bundle/import-plan.ts';
import { formatReceipt, parseReceipt, receiptOf } from '../../src/bundle/receipt.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { temporaryNames } from '../support/left-temporary.ts';
import { createBundleSite, carriedFiles } from '../support/bundle-site.ts';

const quiet = (): void => undefined;

test('a bundle carries a folder into a new depot, byte for byte', async (t) => {
  const site = await createBundleSite(t);
  const files = {
    ...carriedFiles(3),
    'keys/site.asc': 'a key',
    'artifacts/agent/agent-1.tar.gz': 'an agent',
    'distribution.lock': '',
  };
  const made = await site.create(files, 'b.tar');
  t.is(made.files, 9);
  const verified = await verifyBundle(await site.open(['b.tar']), quiet);
  t.is(verified[0]?.contents, 9);

  const depot = await site.depot();
  const result = await site.import(['b.tar'], depot);
  t.true(result.made);
  t.is(result.written, 9);
  t.is(await readlink(site.at('depot/current')), `snapshots/${result.snapshot}`);
  for (const [name, content] of Object.entries(files)) {
    t.deepEqual(await readFile(site.at(`depot/current/${name}`)), Buffer.from(content));
  }
  const zip = await stat(site.at('depot/current/pkg0-1.0.0.zip'));
  t.is(zip.nlink, 2, 'the content is linked, not copied');
  t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
});

test('the same files make the same bundle, in any order and time zone', async (t) => {
  const site = await createBundleSite(t);
  const files = carriedFiles(5);
  await site.create(files, 'a.tar');
  const before = process.env['TZ'];
  process.env['TZ'] = 'America/New_York';
  t.teardown(() => {
    if (before === undefined) {
      delete process.env['TZ'];
    } else {
      process.env['TZ'] = before;
    }
  });
  await site.create(Object.fromEntries(Object.entries(files).toReversed()), 'b.tar');
  t.deepEqual(await readFile(site.at('b.tar')), await readFile(site.at('a.tar')));
});

test('a bundle is a tar that other programs read, with a contents page for people', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(2), 'b.tar');
  const names = execFileSync('tar', ['tf', site.at('b.tar')], { encoding: 'utf8' })
    .trim()
    .split('\n');
  t.deepEqual(names.slice(0, 4), ['volume.json', 'manifest.json', 'manifest.json.asc', 'CONTENTS.md']);
  t.is(names.length, 8);
  const page = execFileSync('tar', ['xOf', site.at('b.tar'), 'CONTENTS.md'], { encoding: 'utf8' });
  t.regex(page, /Complete set: 4 files/);
  t.regex(page, /\| pkg0-1\.0\.0\.zip \| 3000 \| 1 \| [0-9a-f]{64} \|/);
});

test('one content under two paths is carried once', async (t) => {
  const site = await createBundleSite(t);
  const made = await site.create({ 'a.zip': 'same', 'b.zip': 'same', 'c/a.zip': 'same' }, 'b.tar');
  t.is(made.heldFiles, 1);
  await site.import(['b.tar'], await site.depot());
  t.is(await readFile(site.at('depot/current/c/a.zip'), 'utf8'), 'same');
});

test('a differential bundle holds only what the receipt lacks and makes the complete snapshot', async (t) => {
  const site = await createBundleSite(t);
  const first = carriedFiles(4);
  await site.create(first, 'one.tar');
  const depot = await site.depot();
  const { snapshot } = await site.import(['one.tar'], depot);
  const receipt = parseReceipt(formatReceipt(await receiptOf(depot, snapshot)), 'receipt');

  const { 'pkg0-1.0.0.zip': _gone, ...rest } = first;
  const second = { ...rest, 'pkg1-1.0.1.zip': 'changed', 'new-1.0.0.zip': 'new' };
  const made = await site.create(second, 'two.tar', { since: receipt });
  t.is(made.heldFiles, 2);
  t.is(made.files, 8);

  const plan = await planImport(await site.open(['two.tar']), depot);
  t.deepEqual(
    plan.added.map((file) => file.path),
    ['new-1.0.0.zip'],
  );
  t.deepEqual(
    plan.removed.map((file) => file.path),
    ['pkg0-1.0.0.zip'],
  );
  t.deepEqual(
    plan.changed.map((file) => file.path),
    ['pkg1-1.0.1.zip'],
  );
  t.is(plan.kept.length, 6);
  t.is(plan.newBytes, 10);

  await site.import(['two.tar'], depot);
  t.deepEqual((await readdir(site.at('depot/current'))).toSorted(), Object.keys(second).toSorted());
  t.is(await readFile(site.at('depot/current/pkg1-1.0.1.zip'), 'utf8'), 'changed');
  t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
});

test('a bundle can be made of a depot, and an unchanged set makes no second snapshot', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(2), 'one.tar');
  const depot = await site.depot();
  const { snapshot } = await site.import(['one.tar'], depot);
  await createBundle({
    files: await collectSnapshot(depot, snapshot),
    signer: site.signer,
    output: site.at('again.tar'),
  });
  const result = await site.import(['again.tar'], depot);
  t.false(result.made);
  t.is(result.reused, 4);
  t.deepEqual(await depot.snapshots.ids(), [snapshot]);
});

test('volumes stay below their size, carry the list each, and import in any order', async (t) => {
  const site = await createBundleSite(t);
  const files = carriedFiles(20, 20_000);
  const made = await site.create(files, 'b.tar', { volumeBytes: 150_000 });
  t.true(made.volumes.length >= 3);
  for (const volume of made.volumes) {
    t.true(volume.bytes < 150_000 && (await stat(volume.path)).size === volume.bytes);
  }
  t.is(path.basename(made.volumes[1]?.path ?? ''), 'b.tar.002');

  const alone = await site.open(['b.tar.002'], { allowPartial: true });
  t.is((await verifyBundle(alone, quiet)).length, 1);
  t.true(alone.absent.includes(1));

  const names = made.volumes.map((volume) => path.basename(volume.path)).toReversed();
  const result = await site.import(names, await site.depot());
  t.is(result.written, 40);
});

test('a file that fits no volume is refused and nothing is left', async (t) => {
  const site = await createBundleSite(t);
  const error = await t.throwsAsync(
    site.create(carriedFiles(3, 200_000), 'b.tar', { volumeBytes: 100_000 }),
    { code: 'BUNDLE_UNFIT' },
  );
  t.regex(error.message, /pkg2-1\.0\.2\.zip has 200002 bytes/);
  t.deepEqual(
    (await readdir(site.root)).filter((name) => name.startsWith('b.tar')),
    [],
  );
});

test('a file that changes while the bundle is made is noticed', async (t) => {
  const site = await createBundleSite(t);
  const folder = await site.folder('in', { 'a.zip': 'one', 'b.zip': 'two' });
  const files = await collectFolder(folder, quiet);
  await site.folder('in', { 'b.zip': 'TWO' });
  await t.throwsAsync(createBundle({ files, signer: site.signer, output: site.at('b.tar') }), {
    code: 'BUNDLE_UNFIT',
    message: /b\.zip was changed/,
  });
  t.false((await readdir(site.root)).some((name) => name.startsWith('b.tar')));
});

test('hidden files and half downloads stay out, odd names and linked folders are errors', async (t) => {
  const site = await createBundleSite(t);
  const folder = await site.folder('in', { 'a.zip': 'one', '.lock': 'x', 'b.zip.part': 'half' });
  const set = await collectFolder(folder, quiet);
  t.deepEqual(
    set.files.map((file) => file.path),
    ['a.zip'],
  );
  t.deepEqual(set.skipped, ['.lock', 'b.zip.part']);
  await site.folder('in', { 'two words.zip': 'x' });
  await t.throwsAsync(collectFolder(folder, quiet), { code: 'PATH_INVALID' });
});

test('a file that cannot be read is named', async (t) => {
  const site = await createBundleSite(t);
  const folder = await site.folder('in', { 'deep/a.zip': 'one' });
  await symlink('b.zip', site.at('in/deep/b.zip'));
  await t.throwsAsync(collectFolder(folder, quiet), { code: 'FILE_FAILED', message: /deep\/b\.zip: / });
});

test('any two sets of files: the differential bundle leads from one to just the other', async (t) => {
  const site = await createBundleSite(t);
  const name = fc.stringMatching(/^(?:[a-d]\/)?[a-f]\.(?:zip|sig)$/);
  const set = fc.dictionary(name, fc.constantFrom('', 'one', 'two', 'three', 'four'), {
    minKeys: 1,
    maxKeys: 8,
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(set, set, async (before, after) => {
      run += 1;
      const depot = await site.depot(`depot${run}`);
      await site.create(before, `a${run}.tar`);
      const { snapshot } = await site.import([`a${run}.tar`], depot);
      const since = parseReceipt(formatReceipt(await receiptOf(depot, snapshot)), 'receipt');
      await site.create(after, `b${run}.tar`, { since });
      const result = await site.import([`b${run}.tar`], depot);
      const record = await depot.snapshots.record(result.snapshot);
      t.deepEqual(
        record.files.map((file) => file.path),
        Object.keys(after).toSorted(),
      );
      for (const [file, content] of Object.entries(after)) {
        t.is(await readFile(site.at(`depot${run}/current/${file}`), 'utf8'), content);
      }
      t.deepEqual((await inspectDepot(depot, quiet)).findings, []);
    }),
    { numRuns: 15 },
  );
});

test('a second bundle under the same name replaces all volumes of the first, and parts that a killed run left', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(20, 20_000), 'b.tar', { volumeBytes: 150_000 });
  const { mine, killed, earlier, foreign } = await temporaryNames(site.at('b.tar.007'));
  await writeFile(mine, 'of a run that is at it');
  await writeFile(killed, 'left by a killed run');
  await writeFile(earlier, 'left by an earlier one with the same number');
  await writeFile(foreign, 'of another host');
  await writeFile(site.at('b.tar.txt'), 'not ours');
  const again = site.create(carriedFiles(4, 20_000), 'b.tar', { volumeBytes: 150_000 });
  await t.throwsAsync(again, { code: 'BUNDLE_UNFIT', message: /b\.tar\.001 exists already/ });
  await t.throwsAsync(site.create(carriedFiles(1), 'b.tar'), {
    code: 'BUNDLE_UNFIT',
    message: /earlier bundle/,
  });
  await site.create(carriedFiles(4, 20_000), 'b.tar', { volumeBytes: 150_000, replace: true });
  const names = (await readdir(site.root)).filter((name) => name.startsWith('b.tar'));
  t.deepEqual(names.toSorted(), ['b.tar.001', 'b.tar.txt']);
  const hidden = async (): Promise<string[]> =>
    (await readdir(site.root)).filter((name) => name.startsWith('.b.tar')).toSorted();
  t.deepEqual(await hidden(), [mine, foreign].map((one) => path.basename(one)).toSorted());
  await utimes(foreign, new Date(0), new Date(0));
  await site.create(carriedFiles(1), 'b.tar', { replace: true });
  t.deepEqual(await hidden(), [path.basename(mine)]);
});

test('two bundles that are made under one name at once never mix: the last one stays, whole', async (t) => {
  const site = await createBundleSite(t);
  const made = await Promise.all(
    ['one', 'two'].map((seed) => site.create(carriedFiles(20, 50_000, seed), 'b.tar', { replace: true })),
  );
  const bundle = await site.open(['b.tar']);
  t.true(made.some(({ id }) => id === bundle.id));
  await t.notThrowsAsync(verifyBundle(bundle, quiet));
  t.deepEqual(
    (await readdir(site.root)).filter((name) => name.includes('b.tar')),
    ['b.tar'],
  );
});

test('a bundle that comes a second time is told of', async (t) => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(1), 'one.tar');
  await site.create(carriedFiles(2), 'two.tar');
  const depot = await site.depot();
  const first = await site.import(['one.tar'], depot);
  t.is(first.importedAt, undefined);
  await site.import(['two.tar'], depot);
  const again = await site.import(['one.tar'], depot);
  t.regex(again.importedAt ?? '', /^2026-03-01T/);
  t.is((await depot.snapshots.ids()).length, 3);
  t.false((await site.import(['one.tar'], depot)).made);
});
