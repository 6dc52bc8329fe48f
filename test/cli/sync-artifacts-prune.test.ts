import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openOrCreateDepot } from '../../src/depot/depot.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { agents, createReleaseSite, linuxAgent, treeOf, windowsAgent } from '../support/release-site.ts';
import { createPublisher } from '../support/signed-packages.ts';
import { contentOf, runSyncVerb } from '../support/sync-run.ts';
import { startUpstream } from '../support/upstream.ts';
import { pinnedKey, references } from '../support/release-upstream.ts';

const linuxOnly = agents.replace(', windows-x86_64', '');
const trio = (path: string): string[] => ['', '.asc', '.sha512'].map((end) => `downloads/${path}${end}`);

test('what is no longer wanted is told, and goes with --prune alone; other files are never touched', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents);
  await run();
  const own = join(to, 'downloads', 'beats', 'own-beat', 'own-beat-1.0.0-linux-x86_64.tar.gz');
  await mkdir(join(own, '..'), { recursive: true });
  await writeFile(own, 'of the site');
  await define(linuxOnly);

  const plain = await run();
  t.deepEqual(
    plain.artifacts.plan.unwanted.map(({ path }) => path),
    trio(windowsAgent),
  );
  t.deepEqual(plain.artifacts.plan.foreign, ['downloads/beats/own-beat/own-beat-1.0.0-linux-x86_64.tar.gz']);
  t.deepEqual(plain.artifacts.report.pruned, []);
  const before = treeOf(to);
  t.true(trio(windowsAgent).every((path) => path in before));

  const dry = await run('--prune', '--dry-run');
  t.is(dry.artifacts.plan.totals.unwanted.items, 3);
  t.is(dry.artifacts.report, null as never);
  t.deepEqual(treeOf(to), before, 'a dry run deletes nothing');

  const pruned = await run('--prune');
  t.is(pruned.exitCode, 0, pruned.stderr);
  t.deepEqual(pruned.artifacts.report.pruned, trio(windowsAgent));
  const after = treeOf(to);
  t.false(trio(windowsAgent).some((path) => path in after));
  t.true(trio(linuxAgent).every((path) => path in after));
  t.is(await readFile(own, 'utf8'), 'of the site');
});

test('nothing is deleted where something that is wanted did not come', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  await upstream.add(windowsAgent);
  await define(agents.replace('linux-x86_64, ', ''));
  await run();
  await define(linuxOnly);
  const { exitCode, artifacts } = await run('--prune');
  t.is(exitCode, 3);
  t.deepEqual(artifacts.report.failed.map(({ code }) => code).toSorted(), [
    'PRUNE_REFUSED',
    'UPSTREAM_ANSWER',
  ]);
  t.true(trio(windowsAgent).every((path) => path in treeOf(to)));
});

test('into a depot packages and artifacts become one snapshot, made again by its lock file, and go by --prune', async (t) => {
  const site = await createReleaseSite(t);
  const { upstream, folder, definition } = site;
  const publisher = await createPublisher();
  const registry = await startUpstream(t);
  registry.offer(await publisher.make('nginx', '1.2.0'));
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  const define = (lines: string): Promise<void> =>
    writeFile(
      definition,
      `address: ${registry.address}\nqueries:\n  - all: true\n${lines}${pinnedKey(upstream)}${references(upstream)}`,
    );
  await define(agents);
  const root = join(folder, 'depot');
  const depot = await openOrCreateDepot(root, { clock: () => new Date(), user: () => 'alice' });
  const run = (...words: string[]): ReturnType<typeof runSyncVerb> =>
    runSyncVerb([definition, '--to', root, '--json', ...words], { key: publisher.publicKey });
  const first = await run();
  t.is(first.exitCode, 0, first.stderr);
  const made = treeOf(depot.layout.current);
  t.deepEqual(Object.keys(made), [
    'distribution.lock',
    ...trio(linuxAgent),
    ...trio(windowsAgent),
    'keys/GPG-KEY-elastic-agent',
    'nginx-1.2.0.zip',
    'nginx-1.2.0.zip.sig',
  ]);
  t.deepEqual((await inspectDepot(depot, () => undefined)).findings, []);
  const [one = ''] = await depot.snapshots.ids();

  // Nothing new: nothing large is asked again, and there is no second snapshot.
  upstream.requests.length = 0;
  t.is((await run()).exitCode, 0);
  t.deepEqual(upstream.requests, ['GET /GPG-KEY-elastic-agent']);
  t.deepEqual(await depot.snapshots.ids(), [one]);

  const again = join(folder, 'again');
  await openOrCreateDepot(again, { clock: () => new Date(), user: () => 'alice' });
  const lock = join(depot.layout.current, 'distribution.lock');
  const locked = await runSyncVerb(
    [definition, '--to', again, '--locked', '--lock', lock, '--json', '--no-sizes'],
    { key: publisher.publicKey },
  );
  t.is(locked.exitCode, 0, locked.stderr);
  t.deepEqual(treeOf(join(again, 'current')), made);

  await define(linuxOnly);
  t.is((await run()).exitCode, 0);
  t.true(`downloads/${windowsAgent}` in treeOf(depot.layout.current), 'never by itself');
  const dry = await run('--prune', '--dry-run');
  t.is(dry.exitCode, 0);
  t.true(`downloads/${windowsAgent}` in treeOf(depot.layout.current));
  const pruned = await run('--prune');
  t.is(pruned.exitCode, 0, pruned.stderr);
  t.deepEqual(Object.keys(treeOf(depot.layout.current)), [
    'distribution.lock',
    ...trio(linuxAgent),
    'keys/GPG-KEY-elastic-agent',
    'nginx-1.2.0.zip',
    'nginx-1.2.0.zip.sig',
  ]);
  t.true(`downloads/${windowsAgent}` in treeOf(join(root, 'snapshots', one)), 'the snapshot before has it');

  upstream.files.delete(`/downloads/${linuxAgent}.sha512`);
  await upstream.add('fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz');
  upstream.files.delete('/downloads/fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz.asc');
  await define(linuxOnly.replace('[elastic-agent]', '[elastic-agent, fleet-server]'));
  const before = treeOf(depot.layout.current);
  t.is((await run()).exitCode, 3);
  t.deepEqual(treeOf(depot.layout.current), before, 'where something failed nothing is switched');
});

test('a definition without packages leaves the packages and their lines of the lock file alone', async (t) => {
  const site = await createReleaseSite(t);
  const publisher = await createPublisher();
  const registry = await startUpstream(t);
  registry.offer(await publisher.make('nginx', '1.2.0'));
  const packages = join(site.folder, 'packages.yml');
  await writeFile(packages, `address: ${registry.address}\nqueries:\n  - all: true\n`);
  const run = (): ReturnType<typeof runSyncVerb> =>
    runSyncVerb([packages, '--to', site.to], { key: publisher.publicKey });
  t.is((await run()).exitCode, 0);
  await site.upstream.add(linuxAgent);
  await site.define(linuxOnly);
  t.is((await run()).exitCode, 0);
  t.is((await site.run('--prune')).exitCode, 0);
  const lock = JSON.parse(await readFile(join(site.to, 'distribution.lock'), 'utf8')) as {
    readonly distribution: string;
    readonly address: string;
    readonly packages: readonly unknown[];
    readonly files: readonly unknown[];
  };
  t.is(lock.distribution, packages);
  t.is(lock.address, `${registry.address}/`);
  t.is(lock.packages.length, 1);
  t.is(lock.files.length, 4);
  t.true('nginx-1.2.0.zip' in contentOf(site.to));
});

test('packages and artifacts may go to two folders, each with its lock file; one report tells of both', async (t) => {
  const { upstream, folder, definition } = await createReleaseSite(t);
  const publisher = await createPublisher();
  const registry = await startUpstream(t);
  registry.offer(await publisher.make('nginx', '1.2.0'));
  await upstream.add(linuxAgent);
  await writeFile(
    definition,
    `address: ${registry.address}\nqueries:\n  - all: true\n${agents}${pinnedKey(upstream)}${references(upstream)}`,
  );
  const [packages, artifacts] = [join(folder, 'packages'), join(folder, 'artifacts')];
  const run = (...words: string[]): ReturnType<typeof runSyncVerb> =>
    runSyncVerb([definition, '--to', packages, '--artifacts-to', artifacts, '--json', ...words], {
      key: publisher.publicKey,
    });
  const { exitCode, stdout } = await run();
  t.is(exitCode, 3, 'the agent for Windows is not there');
  const told = JSON.parse(stdout) as {
    readonly report: { readonly fetched: readonly string[] };
    readonly artifacts: { readonly report: { readonly fetched: readonly string[]; readonly folder: string } };
  };
  t.deepEqual(told.report.fetched, ['nginx-1.2.0']);
  t.is(told.artifacts.report.folder, artifacts);
  t.deepEqual(Object.keys(treeOf(packages)), ['distribution.lock', 'nginx-1.2.0.zip', 'nginx-1.2.0.zip.sig']);
  t.deepEqual(Object.keys(treeOf(artifacts)), [
    'distribution.lock',
    ...trio(linuxAgent),
    'keys/GPG-KEY-elastic-agent',
  ]);
  t.is((await run('--locked')).exitCode, 0, 'each part by the lock file of its folder');
});
