import test from 'ava';
import { chmod, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { openDepot, openOrCreateDepot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { diskError } from '../../src/depot/disk-error.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { reasons } from '../support/made-snapshot.ts';

const noLinks = (): Promise<void> =>
  Promise.reject(Object.assign(new Error('EPERM: operation not permitted, symlink'), { code: 'EPERM' }));

test('a depot that lies on two file systems is told so', async (t) => {
  const site = await createBundleSite(t);
  const target = site.at('depot/snapshots/x');
  const error = Object.assign(new Error('EXDEV: cross-device link not permitted'), { code: 'EXDEV' });
  t.like(diskError(target, error), {
    code: 'FILE_FAILED',
    message: `${target}: it lies on another file system; all of a depot has to be on one`,
  });
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
