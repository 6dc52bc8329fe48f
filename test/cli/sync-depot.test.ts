import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { openOrCreateDepot, type Depot } from '../../src/depot/depot.ts';
import { collectGarbage } from '../../src/depot/gc.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { visibleState } from '../support/bundle-site.ts';
import { scratch } from '../support/scratch.ts';
import { createPublisher } from '../support/signed-packages.ts';
import { runSyncVerb, writeDefinition, type SyncRun } from '../support/sync-run.ts';
import { startUpstream, type FakeUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();

interface Scene {
  readonly upstream: FakeUpstream;
  readonly depot: Depot;
  run(...words: string[]): Promise<SyncRun>;
  /** Names of the files that a server would see now. */
  served(): string[];
  actions(): Promise<string>;
}

const setUp = async (t: ExecutionContext): Promise<Scene> => {
  const upstream = await startUpstream(t);
  upstream.offer(await publisher.make('apache', '1.0.0'), await publisher.make('nginx', '1.2.0'));
  const folder = await scratch(t);
  const root = join(folder, 'depot');
  const depot = await openOrCreateDepot(root, { clock: () => new Date(), user: () => 'alice' });
  const definition = writeDefinition(folder, upstream.address);
  return {
    upstream,
    depot,
    run: (...words) =>
      runSyncVerb([definition, '--to', root, '--json', ...words], { key: publisher.publicKey }),
    served: () => readdirSync(depot.layout.current).toSorted(),
    actions: async () => (await depot.journal.read()).lines.map((line) => line.action).join(' '),
  };
};

const signed = (...ids: string[]): string[] =>
  [...ids.flatMap((id) => [`${id}.zip`, `${id}.zip.sig`]), 'distribution.lock'].toSorted();

test('sync into a depot makes a snapshot, switches to it, and says so in the journal', async (t) => {
  const { run, served, depot, actions } = await setUp(t);
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  t.deepEqual(served(), signed('apache-1.0.0', 'nginx-1.2.0'));
  t.is(await actions(), 'init import switch');
  t.regex((await depot.journal.read()).lines[1]?.note ?? '', /^5 files, sync of .*definition\.yml from http/);
  t.deepEqual((await inspectDepot(depot, () => undefined)).findings, []);
});

test('a second sync of the same set changes nothing, and one with more keeps the snapshot before', async (t) => {
  const { run, served, depot, actions, upstream } = await setUp(t);
  await run();
  const before = await visibleState(depot.layout.root);
  upstream.requests.length = 0;
  t.is((await run()).exitCode, 0);
  t.is(await visibleState(depot.layout.root), before);
  t.deepEqual(
    upstream.requests.filter((one) => one.includes('/epr/')),
    [],
  );

  upstream.offer(await publisher.make('nginx', '1.3.0'));
  t.is((await run()).exitCode, 0);
  t.deepEqual(served(), signed('apache-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0'));
  const [first = ''] = await depot.snapshots.ids();
  await depot.change('rollback', () => depot.snapshots.switchTo(first, 'rollback'));
  t.deepEqual(served(), signed('apache-1.0.0', 'nginx-1.2.0'));
  t.is(await actions(), 'init import switch import switch rollback');
});

test('an archive that was damaged in the depot is put right in every snapshot that has it', async (t) => {
  const { run, depot, upstream } = await setUp(t);
  await run();
  upstream.offer(await publisher.make('nginx', '1.3.0'));
  await run();
  const file = join(depot.layout.current, 'apache-1.0.0.zip');
  const good = readFileSync(file);
  const bad = Buffer.from(good);
  bad.writeUInt8((bad[200] ?? 0) ^ 1, 200);
  chmodSync(file, 0o644);
  writeFileSync(file, bad);
  t.not((await inspectDepot(depot, () => undefined)).findings.length, 0);
  const { exitCode, json } = await run();
  t.is(exitCode, 0);
  t.deepEqual(json.report?.fetched, ['apache-1.0.0']);
  t.true(readFileSync(file).equals(good));
  t.deepEqual((await inspectDepot(depot, () => undefined)).findings, []);
  t.is((await depot.snapshots.ids()).length, 2, 'the set is the same');
});

test('files that were taken out of the current snapshot are put back', async (t) => {
  const { run, depot, served } = await setUp(t);
  await run();
  for (const name of ['apache-1.0.0.zip', 'distribution.lock']) {
    rmSync(join(depot.layout.current, name));
    const { exitCode, stderr } = await run();
    t.is(exitCode, 0, stderr);
    t.deepEqual(served(), signed('apache-1.0.0', 'nginx-1.2.0'));
    t.deepEqual((await inspectDepot(depot, () => undefined)).findings, []);
  }
  t.is((await depot.snapshots.ids()).length, 1);
});

test('a dry run shows what a depot lacks and changes nothing in it', async (t) => {
  const { run, depot, upstream } = await setUp(t);
  await run();
  upstream.offer(await publisher.make('nginx', '1.3.0'));
  const before = await visibleState(depot.layout.root);
  const { exitCode, json } = await run('--dry-run');
  t.is(exitCode, 0);
  t.deepEqual(
    json.plan.packages.map(({ version, state }) => `${version} ${state}`),
    ['1.0.0 kept', '1.2.0 kept', '1.3.0 new'],
  );
  t.is(await visibleState(depot.layout.root), before);
});

test('where a package fails nothing is switched, and the next run fetches only what is lacking', async (t) => {
  const { run, served, depot, upstream } = await setUp(t);
  await run();
  upstream.offer(await publisher.make('linux', '1.0.0'), await publisher.make('nginx', '1.3.0'));
  const before = await visibleState(depot.layout.root);
  upstream.addFault({
    match: 'linux-1.0.0.zip',
    times: 1,
    answer: (_request, response) => void response.writeHead(404).end(),
  });
  const failed = await run('--no-sizes');
  t.is(failed.exitCode, 3);
  t.is(await visibleState(depot.layout.root), before);

  upstream.requests.length = 0;
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  t.deepEqual(served(), signed('apache-1.0.0', 'linux-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0'));
  t.deepEqual(
    upstream.requests.filter((one) => one.includes('nginx-1.3.0.zip') && one.startsWith('GET')),
    [],
  );
});

test('--partial takes what is there though a package failed', async (t) => {
  const { run, served, upstream } = await setUp(t);
  upstream.offer(await publisher.make('linux', '1.0.0', { unsigned: true }));
  const { exitCode } = await run('--partial');
  t.is(exitCode, 3);
  t.deepEqual(served(), signed('apache-1.0.0', 'nginx-1.2.0'));
});

test('--partial for a plain folder is refused before anything is asked for', async (t) => {
  const { upstream } = await setUp(t);
  const folder = await scratch(t);
  const definition = writeDefinition(folder, upstream.address, 'queries:\n  - {}\n');
  upstream.requests.length = 0;
  const { exitCode, error } = await runSyncVerb([definition, '--to', join(folder, 'to'), '--partial'], {
    key: publisher.publicKey,
  });
  t.is(exitCode, 2);
  t.regex(error?.message ?? '', /--partial is for a depot, and .*\/to is none/);
  t.deepEqual(upstream.requests, []);
  t.false(existsSync(join(folder, 'to')));
});

test('--prune leaves out what is no longer wanted; files that sync never placed stay', async (t) => {
  const { run, served, depot, upstream } = await setUp(t);
  await run();
  const [first = ''] = await depot.snapshots.ids();
  const { files } = await depot.snapshots.record(first);
  const strange = { ...(files[0] as (typeof files)[number]), path: 'artifacts/strange.bin' };
  await depot.change('test', async () => {
    const { record } = await depot.snapshots.create([...files, strange], {});
    await depot.snapshots.switchTo(record.id, 'switch');
  });
  upstream.withdraw();
  upstream.offer(await publisher.make('nginx', '1.3.0'));
  await run();
  t.deepEqual(served(), ['artifacts', ...signed('apache-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0')].toSorted());
  const { exitCode, json } = await run('--prune');
  t.is(exitCode, 0);
  t.deepEqual(json.report.pruned, ['apache-1.0.0', 'nginx-1.2.0']);
  t.deepEqual(served(), ['artifacts', ...signed('nginx-1.3.0')].toSorted());
});

test('what a bundle brought can be pruned, also after a sync without --prune: the lock files of the snapshots name it', async (t) => {
  const { run, served, depot, upstream } = await setUp(t);
  await run();
  // As after an import: the depot has the files and their lock file, and sync has checked nothing here.
  const forget = (): void => rmSync(depot.layout.gathering, { recursive: true });
  forget();
  upstream.withdraw();
  upstream.offer(await publisher.make('nginx', '1.3.0'));
  await run();
  t.deepEqual(served(), signed('apache-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0'));
  const unwanted = async (): Promise<string[]> =>
    (await run('--prune', '--dry-run')).json.plan.unwanted.map(({ id }) => id);
  t.deepEqual(await unwanted(), ['apache-1.0.0', 'nginx-1.2.0']);
  await depot.change('gc', () => collectGarbage(depot, 1));
  t.deepEqual(
    await unwanted(),
    ['apache-1.0.0', 'nginx-1.2.0'],
    'noted, though no lock file names it any more',
  );
  const { json } = await run('--prune');
  t.deepEqual(json.report.pruned, ['apache-1.0.0', 'nginx-1.2.0']);
  t.deepEqual(served(), signed('nginx-1.3.0'));
  t.deepEqual((await inspectDepot(depot, () => undefined)).findings, []);
});

test('what gc removes is really freed: the gathering place keeps no second name of it', async (t) => {
  const { run, depot, upstream } = await setUp(t);
  await run();
  upstream.withdraw();
  upstream.offer(await publisher.make('nginx', '1.3.0'));
  await run('--prune');
  const archive = join(depot.layout.current, 'nginx-1.3.0.zip');
  t.is(statSync(archive).nlink, 2, 'in the store and in the snapshot');
  const { removed, freedBytes } = await depot.change('gc', () => collectGarbage(depot, 1));
  t.is(removed.length, 1);
  t.true(freedBytes > 1000);
});

test('a plain folder stays one', async (t) => {
  const { upstream } = await setUp(t);
  const folder = await scratch(t);
  const words = [writeDefinition(folder, upstream.address), '--to', join(folder, 'to'), '--json'];
  const { exitCode } = await runSyncVerb(words, { key: publisher.publicKey });
  t.is(exitCode, 0);
  t.true(existsSync(join(folder, 'to', 'nginx-1.2.0.zip')));
  t.false(existsSync(join(folder, 'to', 'depot.json')));
});

test('a folder inside a depot is refused: a snapshot never changes', async (t) => {
  const { run, depot, upstream } = await setUp(t);
  await run();
  const before = await visibleState(depot.layout.root);
  const definition = writeDefinition(await scratch(t), upstream.address);
  for (const inside of ['current', 'sync', 'content', 'snapshots/new']) {
    const words = [definition, '--to', join(depot.layout.root, inside)];
    const { error, exitCode } = await runSyncVerb(words, { key: publisher.publicKey });
    t.is(error?.code, 'DEPOT_INSIDE', inside);
    t.is(exitCode, 1);
  }
  t.is(await visibleState(depot.layout.root), before);
});
