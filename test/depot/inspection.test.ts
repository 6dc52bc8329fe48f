import test from 'ava';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { digestOf } from '../../src/files/digest.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { reasons, snapshotOf } from '../support/made-snapshot.ts';

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

test('`current` that is lost is told as that', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  await snapshotOf(depot, { x: 'one' });
  await rm(depot.layout.current);
  await t.throwsAsync(depot.snapshots.resolve('current'), {
    message: 'no snapshot "current": `current` is missing; `snapshot rollback ID` sets it',
  });
});
