import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createPublisher } from '../support/signed-packages.ts';
import { contentOf } from '../support/sync-run.ts';
import { createSyncScene } from '../support/sync-scene.ts';
import { faults } from '../support/upstream.ts';

const publisher = await createPublisher();

test('a signature that was damaged or replaced in place is found and fetched again; one that was signed anew stays', async (t) => {
  const { to, run } = await createSyncScene(t, publisher);
  t.is((await run()).exitCode, 0);
  const content = contentOf(to);
  const file = join(to, 'nginx-1.2.0.zip.sig');
  const good = readFileSync(file);
  const later = new Date(Date.now() + 5 * 60_000);
  for (const spoilt of [good.subarray(0, 100), readFileSync(join(to, 'apache-1.0.0.zip.sig'))]) {
    writeFileSync(file, spoilt);
    utimesSync(file, later, later);
    const { exitCode, json } = await run();
    t.is(exitCode, 0);
    t.deepEqual(json.report.fetched, ['nginx-1.2.0']);
    t.regex(json.report.warnings[0]?.reason ?? '', /^the one that is here is fetched again: /);
    t.deepEqual(contentOf(to), content);
  }
  writeFileSync(`${file}.orig`, good);
  writeFileSync(file, 'the signature of a site key');
  t.deepEqual((await run()).json.report.fetched, []);
  t.is(readFileSync(file, 'utf8'), 'the signature of a site key');
});

test('the half of a package that is not wanted any more goes with the next whole run, and not before', async (t) => {
  const { upstream, to, run } = await createSyncScene(t, publisher);
  upstream.offer(await publisher.make('zeek', '1.0.0', { bytes: 6_000_000 }));
  upstream.addFault(faults.cut('/epr/zeek/zeek-1.0.0.zip', 3_000_000));
  t.is((await run('--no-sizes', '--retries', '0')).exitCode, 3);
  const work = (): string[] => readdirSync(join(to, '.fleet-depot')).toSorted();
  const left = ['journal.jsonl', 'zeek-1.0.0.zip.json', 'zeek-1.0.0.zip.part'];
  t.deepEqual(work(), left);
  // Of artifacts that another definition asks for.
  writeFileSync(join(to, '.fleet-depot/downloads~a.tar.gz.part'), 'half');
  t.is((await run('--no-sizes', '--retries', '0')).exitCode, 3);
  t.deepEqual(work(), ['downloads~a.tar.gz.part', ...left]);
  const aside = join(to, '.fleet-depot', `lock.${randomUUID()}`);
  writeFileSync(aside, '{}');
  const before = new Date(Date.now() - 11 * 60_000);
  utimesSync(aside, before, before);
  const rest = upstream.offered.filter(({ name }) => name !== 'zeek');
  upstream.withdraw();
  upstream.offer(...rest);
  t.is((await run('--no-sizes')).exitCode, 0);
  t.deepEqual(work(), ['downloads~a.tar.gz.part', 'journal.jsonl']);
});

test('an archive that is gone when it is looked at counts as absent: a wanted one is fetched, another is not there to be deleted', async (t) => {
  const { to, run, upstream } = await createSyncScene(t, publisher);
  t.is((await run()).exitCode, 0);
  const before = contentOf(to);
  // A link that leads nowhere has a name and no file, as what vanishes between the list and the look.
  const replaceByLink = (id: string): void => {
    rmSync(join(to, `${id}.zip`));
    symlinkSync(join(to, 'nowhere'), join(to, `${id}.zip`));
  };
  replaceByLink('nginx-1.2.0');
  const again = await run();
  t.is(again.exitCode, 0, again.stderr);
  t.deepEqual(again.json.report.fetched, ['nginx-1.2.0']);
  t.deepEqual(contentOf(to), before);
  const rest = upstream.offered.filter(({ version }) => version !== '1.2.0');
  upstream.withdraw();
  upstream.offer(...rest);
  t.deepEqual(
    (await run('--dry-run')).json.plan.unwanted.map(({ id }) => id),
    ['nginx-1.2.0'],
  );
  replaceByLink('nginx-1.2.0');
  const without = await run('--dry-run');
  t.is(without.exitCode, 0, without.stderr);
  t.deepEqual(without.json.plan.unwanted, []);
});
