import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { machineId, processStart } from '../../src/files/running-process.ts';
import { createPublisher } from '../support/signed-packages.ts';
import { contentOf, runSyncVerb, type SyncRun } from '../support/sync-run.ts';
import { createSyncScene, type SyncScene } from '../support/sync-scene.ts';
import { faults, startUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();

const setUp = (t: ExecutionContext, rest?: string): Promise<SyncScene> =>
  createSyncScene(t, publisher, rest === undefined ? {} : { rest });

test('a dry run shows the plan with sizes and creates nothing', async (t) => {
  const { to, run, upstream } = await setUp(t);
  const { exitCode, json, stderr } = await run('--dry-run');
  t.is(exitCode, 0, stderr);
  t.false(existsSync(to));
  t.deepEqual(
    json.plan.packages.map((one) => `${one.name} ${one.version} ${one.state}`),
    ['apache 1.0.0 new', 'nginx 1.2.0 new', 'nginx 1.3.0 new'],
  );
  t.true(json.plan.packages.every((one) => (one.size ?? 0) > 500));
  t.false(upstream.requests.some((line) => line.startsWith('GET /epr')));
  t.falsy(json.report);
});

test('--locked makes the same set again byte for byte, from a registry that has moved on', async (t) => {
  const { upstream, to, folder, definition, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const content = contentOf(to);
  upstream.offer(await publisher.make('nginx', '1.4.0'));
  const again = join(folder, 'again');
  const words = [definition, '--to', again, '--locked', '--lock', join(to, 'distribution.lock'), '--json'];
  const locked = await runSyncVerb(words, { key: publisher.publicKey });
  t.is(locked.exitCode, 0, locked.stderr);
  t.deepEqual(contentOf(again), content);
  t.false(upstream.requests.slice(-12).some((line) => line.includes('/search') && line.includes('1.4.0')));
});

test('--locked tells an archive on another host than the rest as that, and how to go on', async (t) => {
  const { to, definition, folder, run, upstream } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const lock = join(folder, 'moved.lock');
  const moved = upstream.address.replace('127.0.0.1', 'localhost');
  writeFileSync(
    lock,
    readFileSync(join(to, 'distribution.lock'), 'utf8').replaceAll(
      `"source":"${upstream.address}`,
      `"source":"${moved}`,
    ),
  );
  const words = [definition, '--to', join(folder, 'again'), '--locked', '--lock', lock, '--json'];
  const { error } = await runSyncVerb(words, { key: publisher.publicKey });
  const { host } = new URL(moved);
  t.regex(error?.message ?? '', new RegExp(`leads to http://${host}/\\S+: ${host} is not a host of this`));
  const mirrored = await runSyncVerb([...words, '--address', upstream.address], { key: publisher.publicKey });
  t.is(mirrored.exitCode, 0, mirrored.stderr);
});

test('--locked refuses other bytes than the lock file says, and keeps the lock file', async (t) => {
  const { upstream, to, folder, definition, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  upstream.withdraw();
  upstream.offer(
    await publisher.make('apache', '1.0.0'),
    await publisher.make('nginx', '1.2.0'),
    await publisher.make('nginx', '1.3.0'),
  );
  const lock = readFileSync(join(to, 'distribution.lock'), 'utf8');
  const again = join(folder, 'again');
  mkdirSync(again);
  writeFileSync(join(again, 'distribution.lock'), lock);
  const locked = await runSyncVerb([definition, '--to', again, '--locked', '--json'], {
    key: publisher.publicKey,
  });
  t.is(locked.exitCode, 1, locked.stderr);
  t.deepEqual(
    locked.json.report.failed.map((one) => one.code),
    ['ARCHIVE_MISMATCH', 'ARCHIVE_MISMATCH', 'ARCHIVE_MISMATCH'],
  );
  t.regex(locked.json.report.failed[0]?.reason ?? '', /the lock file says/);
  t.deepEqual(readdirSync(again), ['distribution.lock']);
  t.is(readFileSync(join(again, 'distribution.lock'), 'utf8'), lock);
});

test('--locked needs no --address again, keeps the lock byte for byte from a mirror, and has the definition’s password', async (t) => {
  const { upstream, to, folder, definition, run } = await setUp(t);
  const made = await run('--address', upstream.address);
  t.is(made.exitCode, 0, made.stderr);
  const lock = join(to, 'distribution.lock');
  const again = (name: string, address: string, ...words: readonly string[]): Promise<SyncRun> => {
    writeFileSync(definition, `address: ${address}\nqueries:\n  - {}\n`);
    const target = join(folder, name);
    return runSyncVerb([definition, '--to', target, '--locked', '--lock', lock, '--json', ...words], {
      key: publisher.publicKey,
    });
  };
  const elsewhere = await again('elsewhere', 'https://epr.example');
  t.is(elsewhere.exitCode, 0, elsewhere.stderr);
  t.deepEqual(contentOf(join(folder, 'elsewhere')), contentOf(to));

  const mirrored = await startUpstream(t, { prefix: '/mirror' });
  mirrored.offer(...upstream.offered);
  const fromMirror = await again('mirrored', upstream.address, '--address', mirrored.address);
  t.is(fromMirror.exitCode, 0, fromMirror.stderr);
  t.deepEqual(contentOf(join(folder, 'mirrored')), contentOf(to));

  const { host } = new URL(upstream.address);
  t.is((await again('secret', `http://me:secret@${host}`)).exitCode, 0);
  const sent = upstream.headers.get('/epr/nginx/nginx-1.2.0.zip')?.authorization;
  t.is(sent, `Basic ${Buffer.from('me:secret').toString('base64')}`);
});

test('--locked refuses what the lock file says wrongly of size or signer, and leaves the lock as it is', async (t) => {
  const { to, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const file = join(to, 'distribution.lock');
  const lock = readFileSync(file, 'utf8');
  for (const [from, into, reason] of [
    [/"size":\d+,"signer"/, '"size":1,"signer"', /its size is \d+, the lock file says 1$/],
    [
      /"signer":"[0-9A-F]+"/,
      `"signer":"${'1'.repeat(40)}"`,
      /its signer is [0-9A-F]{40}, the lock file says 1{40}$/,
    ],
  ] as const) {
    const changed = lock.replace(from, into);
    writeFileSync(file, changed);
    const locked = await run('--locked');
    t.is(locked.exitCode, 3, locked.stderr);
    t.regex(locked.json.report.failed[0]?.reason ?? '', reason);
    t.is(readFileSync(file, 'utf8'), changed);
  }
});

test('a lock file that was tampered with is refused before anything is asked', async (t) => {
  const { upstream, to, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const file = join(to, 'distribution.lock');
  const lock = readFileSync(file, 'utf8');
  upstream.requests.length = 0;
  for (const [from, into] of [
    ['"apache"', '"../../x"'],
    ['"version":"1.0.0"', '"version":"1.0"'],
    ['"sha256":"', '"sha256":"zz'],
    ['"lockVersion": 1', '"lockVersion": 2'],
    ['{', ''],
  ] as const) {
    writeFileSync(file, lock.replace(from, into));
    const locked = await run('--locked');
    t.is(locked.error?.code, 'LOCK_INVALID', `${from} as ${into}`);
  }
  t.deepEqual(upstream.requests, []);
});

test('an archive that was damaged in place is found and fetched again', async (t) => {
  const { to, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const content = contentOf(to);
  const file = join(to, 'nginx-1.2.0.zip');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  utimesSync(file, 1, 1);
  const again = await run();
  t.is(again.exitCode, 0, again.stderr);
  t.deepEqual(again.json.report.fetched, ['nginx-1.2.0']);
  t.is(again.json.report.warnings.length, 1);
  t.deepEqual(contentOf(to), content);
});

test('what a key has signed that is trusted no more is not kept, but looked at again and refused', async (t) => {
  const { upstream, to, definition, run } = await setUp(t);
  const first = await run();
  t.is(first.exitCode, 0, first.stderr);
  const content = contentOf(to);
  const words = [definition, '--to', to, '--json'];
  const stranger = await createPublisher();
  for (const [key, reason] of [
    [publisher.revokedKey, /was revoked/],
    [stranger.publicKey, /which is not in the keyring/],
  ] as const) {
    const planned = await runSyncVerb([...words, '--dry-run'], { key });
    t.deepEqual([...new Set(planned.json.plan.packages.map(({ state }) => state))], ['present']);
    const { exitCode, json } = await runSyncVerb(words, { key });
    t.not(exitCode, 0);
    t.deepEqual(
      json.report?.failed.map(({ label, code }) => `${label} ${code}`),
      ['apache-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0'].map((id) => `${id} SIGNATURE_REFUSED`),
    );
    t.regex(json.report?.failed[0]?.reason ?? '', reason);
    t.deepEqual(json.report?.kept, []);
  }
  t.is(readdirSync(to).filter((name) => name.endsWith('.zip')).length, 3, 'nothing is deleted by itself');
  // The registry has them signed by another key meanwhile.
  upstream.withdraw();
  upstream.offer(
    await stranger.make('apache', '1.0.0'),
    await stranger.make('nginx', '1.2.0'),
    await stranger.make('nginx', '1.3.0'),
  );
  const anew = await runSyncVerb(words, { key: stranger.publicKey });
  t.is(anew.exitCode, 0, anew.stderr);
  t.is(anew.json.report?.fetched.length, 3);
  t.notDeepEqual(contentOf(to), content);
});

test('nothing is deleted without --prune; its dry run lists; files that sync did not place stay', async (t) => {
  const { upstream, to, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const own = await publisher.make('our_own', '1.0.0');
  writeFileSync(join(to, 'our_own-1.0.0.zip'), own.zip);
  writeFileSync(join(to, 'notes.txt'), 'ours');
  upstream.withdraw();
  upstream.offer(await publisher.make('nginx', '1.3.0'));

  const plain = await run();
  t.deepEqual(
    plain.json.plan.unwanted.map((one) => one.id),
    ['apache-1.0.0', 'nginx-1.2.0'],
  );
  t.deepEqual(plain.json.plan.foreign, ['our_own-1.0.0.zip']);
  t.true(existsSync(join(to, 'apache-1.0.0.zip')));

  const before = contentOf(to);
  const dry = await run('--prune', '--dry-run');
  t.deepEqual(
    dry.json.plan.unwanted.map((one) => one.id),
    ['apache-1.0.0', 'nginx-1.2.0'],
  );
  t.deepEqual(contentOf(to), before);

  const pruned = await run('--prune');
  t.is(pruned.exitCode, 0, pruned.stderr);
  t.deepEqual(pruned.json.report.pruned, ['apache-1.0.0', 'nginx-1.2.0']);
  t.deepEqual(Object.keys(contentOf(to)), [
    'distribution.lock',
    'nginx-1.3.0.zip',
    'nginx-1.3.0.zip.sig',
    'notes.txt',
    'our_own-1.0.0.zip',
  ]);
});

test('prune deletes nothing when the registry suddenly lists nothing, or when something failed', async (t) => {
  const { upstream, to, run } = await setUp(t);
  t.is((await run()).exitCode, 0);
  const before = contentOf(to);
  upstream.withdraw();
  const empty = await run('--prune');
  t.is(empty.error?.code, 'SET_EMPTY');
  t.deepEqual(contentOf(to), before);
  upstream.offer(
    await publisher.make('nginx', '1.2.0'),
    await publisher.make('nginx', '2.0.0', { unsigned: true }),
  );
  const partly = await run('--prune');
  t.is(partly.exitCode, 3);
  t.true(partly.json.report.failed.some((one) => one.code === 'PRUNE_REFUSED'));
  t.true(existsSync(join(to, 'apache-1.0.0.zip')));
});

test('max-size ends the run before anything is fetched', async (t) => {
  const { to, run } = await setUp(t, 'max-size: 1kB\nqueries:\n  - all: true\n');
  const { exitCode, error } = await run();
  t.is(exitCode, 1);
  t.is(error?.code, 'SET_TOO_LARGE');
  t.false(existsSync(to));
});

test('max-size is held too where the registry tells no sizes: the run stops when more has come', async (t) => {
  const { to, run, upstream } = await setUp(t, 'max-size: 1kB\nqueries:\n  - all: true\n');
  upstream.addFault({
    match: '.zip',
    answer: (request, response, body) => {
      response.writeHead(request.method === 'HEAD' ? 405 : 200).end(body);
    },
  });
  const { exitCode, json } = await run('--concurrency', '1');
  t.true(exitCode === 1 || exitCode === 3, String(exitCode));
  t.regex(json.report.failed.at(-1)?.reason ?? '', /^the distribution has \d+ bytes, max-size is 1000$/);
  t.false(existsSync(join(to, 'distribution.lock')));
});

test('a second sync into the same folder is told who works there; a lock of a dead process is taken over', async (t) => {
  const { upstream, to, run } = await setUp(t);
  upstream.addFault(faults.slow('/epr/nginx/nginx-1.2.0.zip', 100, 60, 1));
  const first = run('--no-sizes');
  while (!existsSync(join(to, '.fleet-depot/lock'))) {
    await sleep(5);
  }
  const second = await run();
  t.is(second.exitCode, 1);
  t.is(second.error?.code, 'FOLDER_BUSY');
  t.true(second.error?.message.includes(`process ${process.pid} on ${hostname()}`));
  t.is((await first).exitCode, 0);
  t.false(existsSync(join(to, '.fleet-depot/lock')));

  const dead = spawnSync(process.execPath, ['-e', '']);
  const owner = { pid: dead.pid, machine: await machineId(), since: 'long ago', started: '1', token: 'x' };
  writeFileSync(join(to, '.fleet-depot/lock'), JSON.stringify(owner));
  t.is((await run()).exitCode, 0);
  writeFileSync(join(to, '.fleet-depot/lock'), JSON.stringify({ ...owner, machine: 'elsewhere' }));
  t.is((await run()).error?.code, 'FOLDER_BUSY');
});

test('a lock of the first versions, which names no boot, is read as what it is; one of now names the host for them', async (t) => {
  const { upstream, to, run } = await setUp(t);
  const file = join(to, '.fleet-depot/lock');
  mkdirSync(join(to, '.fleet-depot'), { recursive: true });
  const started = await processStart(process.pid);
  const owner = { pid: process.pid, host: hostname(), since: 'just now', started, token: 'x' };
  writeFileSync(file, JSON.stringify(owner));
  t.is((await run()).error?.code, 'FOLDER_BUSY');
  writeFileSync(file, JSON.stringify({ ...owner, started: '1' }));
  upstream.addFault(faults.slow('/epr/nginx/nginx-1.2.0.zip', 100, 60, 1));
  const taken = run('--no-sizes');
  let text = '';
  while (!text.includes(String(started))) {
    await sleep(5);
    text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
  const { pid, host } = JSON.parse(text) as Record<string, unknown>;
  t.deepEqual({ pid, host }, { pid: process.pid, host: hostname() });
  t.is((await taken).exitCode, 0);
});

test('a lock of another machine, or one that can’t be read, is taken over when it has given no sign of life', async (t) => {
  const { to, run } = await setUp(t);
  const file = join(to, '.fleet-depot/lock');
  const elsewhere = { pid: 7, machine: 'elsewhere', since: 'long ago', started: '1', token: 'x' };
  mkdirSync(join(to, '.fleet-depot'), { recursive: true });
  for (const text of [JSON.stringify(elsewhere), '', 'null']) {
    writeFileSync(file, text);
    t.is((await run()).error?.code, 'FOLDER_BUSY', text);
    // An empty one is of nobody who lives: its owner writes it at once.
    const before = new Date(Date.now() - (text.startsWith('{') ? 3 : 1) * 60_000);
    utimesSync(file, before, before);
    t.is((await run()).exitCode, 0, text);
    t.false(existsSync(file));
  }
  t.deepEqual(readdirSync(join(to, '.fleet-depot')), ['journal.jsonl']);
});

test('after kill -9 in the middle, what was done is kept and the half archive is continued', async (t) => {
  const { upstream, folder, to, definition, run } = await setUp(t);
  upstream.offer(await publisher.make('zeek', '1.0.0', { bytes: 6_000_000 }));
  upstream.addFault(faults.hold('/epr/zeek/zeek-1.0.0.zip', 3_000_000, 1));
  const keyFile = join(folder, 'key.asc');
  writeFileSync(keyFile, publisher.publicKey);
  const script = resolve('build/test/support/sync-process.js');
  const child = spawn(process.execPath, [script, keyFile, definition, '--to', to, '--no-sizes'], {
    stdio: 'ignore',
  });
  const part = join(to, '.fleet-depot/zeek-1.0.0.zip.part');
  const ended = new Promise((finished) => child.once('exit', finished));
  for (
    let waited = 0;
    waited < 60_000 &&
    !(
      existsSync(part) &&
      statSync(part).size >= 1 << 20 &&
      ['apache-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0'].every((id) => existsSync(join(to, `${id}.zip`)))
    );
    waited += 20
  ) {
    await sleep(20);
  }
  child.kill('SIGKILL');
  await ended;
  t.true(existsSync(part));
  t.false(existsSync(join(to, 'zeek-1.0.0.zip')));
  upstream.requests.length = 0;

  const again = await run('--no-sizes');
  t.is(again.exitCode, 0, again.stderr);
  t.deepEqual(again.json.report.fetched, ['zeek-1.0.0']);
  t.deepEqual(again.json.report.kept, ['apache-1.0.0', 'nginx-1.2.0', 'nginx-1.3.0']);
  const archives = upstream.requests.filter((line) => line.includes('.zip') && !line.includes('.sig'));
  t.is(archives.length, 1);
  t.regex(archives[0] ?? '', /zeek-1\.0\.0\.zip \[bytes=\d{7}-\]/);
});

test('a stop on request ends in order, says so, and leaves what was done', async (t) => {
  const { upstream, to, definition, run } = await setUp(t);
  upstream.addFault(faults.slow('/epr/nginx/nginx-1.3.0.zip', 10, 50, 1));
  const stop = new AbortController();
  const running = runSyncVerb([definition, '--to', to, '--json', '--no-sizes'], {
    key: publisher.publicKey,
    signal: stop.signal,
  });
  while (!existsSync(join(to, 'nginx-1.2.0.zip')) || !existsSync(join(to, 'apache-1.0.0.zip'))) {
    await sleep(5);
  }
  stop.abort();
  const stopped = await running;
  t.is(stopped.exitCode, 3);
  t.is(stopped.json.report.failed[0]?.code, 'INTERRUPTED');
  const again = await run();
  t.is(again.exitCode, 0);
  t.deepEqual([again.json.report.fetched, again.json.report.kept.length], [['nginx-1.3.0'], 2]);
});

test('a folder that can never be made ends the run with a word about it', async (t) => {
  if (!existsSync('/proc/self')) {
    t.log('skipped: there is no /proc');
    t.pass();
    return;
  }
  const run = await runSyncVerb(
    ['lite', '--to', '/proc/fleet-depot/packages', '--address', 'http://127.0.0.1:9'],
    {
      key: publisher.publicKey,
    },
  );
  t.is(run.exitCode, 1);
  t.regex(run.error?.message ?? '', /^\/proc\/fleet-depot: there is no such file or folder$/);
});

test('a full disk ends the run with advice; what fitted stays, and the next run goes on', async (t) => {
  const { upstream, folder, definition } = await setUp(t);
  const mount = join(folder, 'small');
  mkdirSync(mount);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', mount]).status !== 0) {
    t.log('skipped: a small tmpfs cannot be mounted here');
    t.pass();
    return;
  }
  t.teardown(() => void spawnSync('umount', ['-l', mount]));
  const words = [definition, '--to', mount, '--json'];
  t.is((await runSyncVerb(words, { key: publisher.publicKey })).exitCode, 0);
  const before = contentOf(mount);
  upstream.offer(await publisher.make('zeek', '1.0.0', { bytes: 3_000_000 }));
  const full = await runSyncVerb(words, { key: publisher.publicKey });
  t.is(full.exitCode, 3, full.stderr);
  t.deepEqual(
    full.json.report.failed.map((one) => one.code),
    ['DISK_FULL'],
  );
  t.deepEqual(contentOf(mount), before);
  spawnSync('mount', ['-o', 'remount,size=20m', mount]);
  const more = await runSyncVerb(words, { key: publisher.publicKey });
  t.is(more.exitCode, 0, more.stderr);
  t.deepEqual(more.json.report.fetched, ['zeek-1.0.0']);
});
