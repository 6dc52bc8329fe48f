import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createPublisher, packageZip } from '../support/signed-packages.ts';
import type { SyncRun } from '../support/sync-run.ts';
import { contentOf, writeDefinition } from '../support/sync-run.ts';
import { createSyncScene, type SyncScene } from '../support/sync-scene.ts';
import type { Fault } from '../support/upstream.ts';
import { faults, startUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();
const stranger = await createPublisher();

/** A registry with a good apache and an nginx that the test spoils, and an empty folder. */
const setUp = (t: ExecutionContext, nginxBytes = 500): Promise<SyncScene> =>
  createSyncScene(t, publisher, {
    packages: [
      ['apache', '1.0.0'],
      ['nginx', '1.2.0', { bytes: nginxBytes }],
    ],
  });

const files = (folder: string): string[] => readdirSync(folder).filter((file) => file !== '.fleet-depot');

/** Apache is there, nginx isn't, and the report says why. */
function assertOnlyApache(
  t: ExecutionContext,
  { to }: SyncScene,
  run: SyncRun,
  code: string,
  reason: RegExp,
): void {
  t.is(run.exitCode, 3, run.stderr);
  t.deepEqual(files(to), ['apache-1.0.0.zip', 'apache-1.0.0.zip.sig', 'distribution.lock']);
  const [failure] = run.json.report.failed;
  t.is(run.json.report.failed.length, 1);
  t.is(failure?.code, code);
  t.regex(failure?.reason ?? '', reason);
  t.true((failure?.advice.length ?? 0) > 10);
}

const zip = '/nginx-1.2.0.zip';

const hopeless: readonly {
  readonly title: string;
  readonly fault: Fault;
  readonly code: string;
  readonly reason: RegExp;
}[] = [
  {
    title: 'answers 200 with a page of HTML',
    fault: faults.html(zip),
    code: 'UPSTREAM_ANSWER',
    reason: /text\/html/,
  },
  {
    title: 'cuts the connection each time',
    fault: faults.cut(zip, 40),
    code: 'UPSTREAM_ANSWER',
    reason: /cut or stalled/,
  },
  {
    title: 'stalls in the middle each time',
    fault: faults.stall(`epr/nginx${zip}`),
    code: 'UPSTREAM_ANSWER',
    reason: /cut or stalled/,
  },
  {
    title: 'announces fewer bytes than it has',
    fault: faults.shortened(`epr/nginx${zip}`),
    code: 'ARCHIVE_MISMATCH',
    reason: /nginx-1\.2\.0\.zip/,
  },
  {
    title: 'announces more bytes than it sends',
    fault: faults.overstated(zip),
    code: 'UPSTREAM_ANSWER',
    reason: /cut or stalled|announced/,
  },
  {
    title: 'redirects to another host',
    fault: faults.redirect(zip, 'http://other.example/x.zip'),
    code: 'UPSTREAM_REDIRECT',
    reason: /other\.example is not a host/,
  },
  {
    title: 'redirects to a file',
    fault: faults.redirect(zip, 'file:///etc/passwd'),
    code: 'UPSTREAM_REDIRECT',
    reason: /never followed/,
  },
  {
    title: 'redirects for ever',
    fault: faults.redirect(zip, zip),
    code: 'UPSTREAM_ANSWER',
    reason: /more than 5 redirects/,
  },
  {
    title: 'has only errors',
    fault: faults.status(zip, 500),
    code: 'UPSTREAM_ANSWER',
    reason: /answered 500/,
  },
  {
    title: 'has lost the archive',
    fault: faults.status(`epr/nginx${zip}`, 404),
    code: 'UPSTREAM_ANSWER',
    reason: /404/,
  },
];

for (const { title, fault, code, reason } of hopeless) {
  test(`an upstream that ${title} costs only that package`, async (t) => {
    const scene = await setUp(t);
    scene.upstream.addFault(fault);
    assertOnlyApache(t, scene, await scene.run(), code, reason);
  });
}

test('another package under the name is refused, even when its own signature is good', async (t) => {
  const scene = await setUp(t);
  const other = await publisher.make('evil', '1.2.0');
  scene.upstream.addFault(faults.other('/nginx-1.2.0.zip.sig', Buffer.from(other.signature ?? '')));
  scene.upstream.addFault(faults.other(zip, other.zip));
  assertOnlyApache(
    t,
    scene,
    await scene.run(),
    'ARCHIVE_MISMATCH',
    /not in nginx-1\.2\.0\/|folder 'evil-1\.2\.0'/,
  );
});

test('an archive whose manifest names another version is refused', async (t) => {
  const scene = await setUp(t);
  const bytes = packageZip('nginx', '9.9.9', 500, 'nginx-1.2.0');
  scene.upstream.addFault(faults.other('/nginx-1.2.0.zip.sig', Buffer.from(await publisher.sign(bytes))));
  scene.upstream.addFault(faults.other(zip, bytes));
  assertOnlyApache(t, scene, await scene.run(), 'ARCHIVE_MISMATCH', /manifest says nginx 9\.9\.9/);
});

test('a whole archive with a signature of other bytes is refused', async (t) => {
  const scene = await setUp(t);
  scene.upstream.addFault(faults.other(zip, packageZip('nginx', '1.2.0', 700)));
  assertOnlyApache(t, scene, await scene.run(), 'SIGNATURE_REFUSED', /not what was signed/);
});

test('a stranger’s signature is refused, and taken with a warning by --no-require-signature', async (t) => {
  const scene = await setUp(t);
  const foreign = await stranger.make('nginx', '1.3.0');
  scene.upstream.withdraw();
  scene.upstream.offer(await publisher.make('apache', '1.0.0'), foreign);
  assertOnlyApache(t, scene, await scene.run(), 'SIGNATURE_REFUSED', /not in the keyring/);
  const lenient = await scene.run('--no-require-signature');
  t.is(lenient.exitCode, 0, lenient.stderr);
  t.regex(lenient.json.report.warnings[0]?.reason ?? '', /not in the keyring/);
  t.true(existsSync(join(scene.to, 'nginx-1.3.0.zip.sig')));
});

test('an unsigned package is refused before its archive is fetched', async (t) => {
  const scene = await setUp(t);
  scene.upstream.withdraw();
  scene.upstream.offer(
    await publisher.make('apache', '1.0.0'),
    await publisher.make('nginx', '1.2.0', { unsigned: true }),
  );
  assertOnlyApache(t, scene, await scene.run(), 'SIGNATURE_REFUSED', /no signature/);
  t.false(scene.upstream.requests.includes('GET /epr/nginx/nginx-1.2.0.zip'));
});

test('a package that the upstream does not have is told as such, in a dry run too, and not as unsigned', async (t) => {
  const scene = await setUp(t);
  scene.upstream.withdraw();
  scene.upstream.offer(await publisher.make('apache', '1.0.0'));
  const rest = 'packages:\n  - {name: apache, version: 1.0.0}\n  - {name: nginx, version: 1.2.0}\n';
  writeDefinition(join(scene.definition, '..'), scene.upstream.address, rest);
  const dry = await scene.run('--dry-run');
  t.is(dry.exitCode, 3, dry.stderr);
  t.deepEqual(
    dry.json.plan.problems.map(({ label }) => label),
    ['nginx-1.2.0'],
  );
  assertOnlyApache(
    t,
    scene,
    await scene.run(),
    'PACKAGE_ABSENT',
    /nginx-1\.2\.0\.zip: the upstream does not have it/,
  );
});

test('user and password go to the upstream’s own host alone, whatever a listing says', async (t) => {
  const scene = await setUp(t);
  const { host } = new URL(scene.upstream.address);
  const download = `http://other:word@${host}/epr/linux/linux-1.0.0.zip`;
  scene.upstream.offer({ ...(await publisher.make('linux', '1.0.0')), download });
  const run = await scene.run('--address', `http://me:secret@${host}`);
  t.is(run.exitCode, 0, run.stderr);
  const sent = scene.upstream.headers.get('/epr/linux/linux-1.0.0.zip')?.authorization;
  t.is(sent, `Basic ${Buffer.from('me:secret').toString('base64')}`);
});

test('an address without /search, or one that wants a password, is told as such', async (t) => {
  const scene = await setUp(t);
  scene.upstream.addFault(faults.status('/search', 404, {}, 1));
  scene.upstream.addFault(faults.status('/search', 401, {}, 1));
  t.regex((await scene.run()).error?.message ?? '', /no \/search \(404\); is this the address of a registry/);
  t.regex((await scene.run()).error?.message ?? '', /answered 401; it wants user and password/);
});

test('a signature file that is a page of HTML is never placed', async (t) => {
  const scene = await setUp(t);
  scene.upstream.addFault(faults.html('/nginx-1.2.0.zip.sig'));
  assertOnlyApache(t, scene, await scene.run(), 'SIGNATURE_REFUSED', /no armored signature/);
});

test('faults that pass are met again: cut, stalled, throttled, 500', async (t) => {
  const scene = await setUp(t, 300_000);
  scene.upstream.addFault(faults.status('/search', 429, { 'retry-after': '0' }, 1));
  scene.upstream.addFault(faults.status('/nginx-1.2.0.zip.sig', 503, {}, 1));
  scene.upstream.addFault(faults.cut('/epr/apache/apache-1.0.0.zip', 20, 2));
  const run = await scene.run();
  t.is(run.exitCode, 0, run.stderr);
  t.deepEqual(run.json.report.fetched, ['apache-1.0.0', 'nginx-1.2.0']);
});

test('Retry-After is waited for, and one that is too long ends the attempts', async (t) => {
  const scene = await setUp(t);
  scene.upstream.addFault(faults.status('/search', 429, { 'retry-after': '1' }, 1));
  const startedAt = performance.now();
  const run = await scene.run();
  t.is(run.exitCode, 0, run.stderr);
  t.true(performance.now() - startedAt >= 1000);

  const second = await setUp(t);
  second.upstream.addFault(faults.status('/search', 429, { 'retry-after': '86400' }));
  const refused = await second.run();
  t.is(refused.exitCode, 1);
  t.regex(refused.error?.message ?? '', /too many requests \(429\), asking to wait 86400 s/);
});

test('a half archive is continued by range with If-Range', async (t) => {
  const scene = await setUp(t, 5_000_000);
  scene.upstream.addFault(faults.cut('/epr/nginx/nginx-1.2.0.zip', 3_000_000, 2));
  const run = await scene.run('--no-sizes');
  t.is(run.exitCode, 0, run.stderr);
  const ranged = scene.upstream.requests.filter((line) =>
    line.startsWith('GET /epr/nginx/nginx-1.2.0.zip ['),
  );
  t.true(ranged.length >= 1);
  t.regex(ranged[0] ?? '', /\[bytes=\d{6,}-\]/);
  t.regex(String(scene.upstream.headers.get('/epr/nginx/nginx-1.2.0.zip')?.['if-range']), /^"/);
});

for (const [title, fault] of [
  [
    'always cuts a body of unknown length at the same place',
    faults.cutChunked('/nginx-1.2.0.zip', 3_000_000),
  ],
  ['announces more than it has, and knows no ranges', faults.overstated('/nginx-1.2.0.zip')],
] as const) {
  test(`an upstream that ${title} is asked no more often than --retries says`, async (t) => {
    const scene = await setUp(t, 5_000_000);
    scene.upstream.addFault(fault);
    assertOnlyApache(t, scene, await scene.run('--no-sizes'), 'UPSTREAM_ANSWER', /cut or stalled|announced/);
    const asked = scene.upstream.requests.filter((line) => line.startsWith('GET /epr/nginx/nginx-1.2.0.zip'));
    // The first may be asked again by the whole client, and what came of it counts as progress once.
    t.true(asked.filter((line) => !line.endsWith('.sig')).length <= 5, asked.join('\n'));
  });
}

test('an archive that changed upstream between two halves starts again', async (t) => {
  const scene = await setUp(t, 5_000_000);
  scene.upstream.addFault(faults.cut('/epr/nginx/nginx-1.2.0.zip', 2_000_000, 1));
  scene.upstream.addFault(faults.status('/epr/nginx/nginx-1.2.0.zip', 502));
  assertOnlyApache(t, scene, await scene.run('--no-sizes'), 'UPSTREAM_ANSWER', /502/);
  t.true(existsSync(join(scene.to, '.fleet-depot/nginx-1.2.0.zip.part')));
  await scene.upstream.close();

  const again = await startUpstream(t);
  again.offer(await publisher.make('nginx', '1.2.0', { bytes: 5_000_000 }));
  const run = await scene.run('--address', again.address, '--no-sizes');
  t.is(run.exitCode, 0, run.stderr);
  t.deepEqual(run.json.report.fetched, ['nginx-1.2.0']);
});

test('a name or a version that is no name or version never touches a path', async (t) => {
  const scene = await setUp(t);
  const evil = [
    { name: '../../x', version: '1.0.0', download: '/epr/x/x-1.0.0.zip' },
    { name: 'nginx', version: '../1.0.0' },
    { name: 'nginx', version: '1.0' },
    { name: 7, version: '1.0.0' },
    'nonsense',
    { name: 'apache', version: '1.0.0', download: '/epr/apache/apache-1.0.0.zip' },
  ];
  scene.upstream.answer('/search', (_request, response) => response.end(JSON.stringify(evil)));
  const run = await scene.run();
  t.is(run.exitCode, 3);
  t.deepEqual(files(scene.to), ['apache-1.0.0.zip', 'apache-1.0.0.zip.sig', 'distribution.lock']);
  t.deepEqual(
    run.json.report.failed.map((one) => one.code),
    ['UPSTREAM_LISTING', 'UPSTREAM_LISTING', 'UPSTREAM_LISTING', 'UPSTREAM_LISTING', 'UPSTREAM_LISTING'],
  );
  t.true(run.json.report.failed.some((one) => one.reason.includes('../../x')));
});

test('a download address on another host is refused unless that host is allowed', async (t) => {
  const scene = await setUp(t);
  const other = await startUpstream(t);
  const nginx = await publisher.make('nginx', '1.2.0');
  other.offer(nginx);
  scene.upstream.withdraw();
  scene.upstream.offer(await publisher.make('apache', '1.0.0'), {
    ...nginx,
    download: `${other.address.replace('127.0.0.1', 'localhost')}/epr/nginx/nginx-1.2.0.zip`,
  });
  assertOnlyApache(t, scene, await scene.run(), 'UPSTREAM_REDIRECT', /localhost:\d+ is not a host/);
  t.deepEqual(other.requests, []);
  const allowed = await scene.run('--allow-redirect-host', 'localhost');
  t.is(allowed.exitCode, 0, allowed.stderr);
});

test('an upstream that answers the search with HTML, or not at all, fails the whole run and changes nothing', async (t) => {
  const scene = await setUp(t);
  t.is((await scene.run()).exitCode, 0);
  const before = contentOf(scene.to);
  scene.upstream.addFault(faults.html('/search', 1));
  const html = await scene.run();
  t.is(html.exitCode, 1);
  t.regex(html.error?.message ?? '', /a page of HTML, not JSON/);
  await scene.upstream.close();
  const gone = await scene.run();
  t.is(gone.exitCode, 1);
  t.is(gone.error?.code, 'UPSTREAM_UNREACHABLE');
  t.regex(gone.error?.message ?? '', /refused/);
  t.deepEqual(contentOf(scene.to), before);
});

test('a run that came to nothing leaves nothing: no folder, no journal, no lock file of an empty set', async (t) => {
  const scene = await setUp(t);
  const [folder, mine] = [join(dirname(scene.to), 'new'), join(dirname(scene.to), 'mine')];
  mkdirSync(mine);
  const again = (to: string): Promise<SyncRun> => scene.run('--to', join(to, 'below'));
  scene.upstream.addFault(faults.html('/search', 2));
  t.is((await again(folder)).exitCode, 1);
  t.false(existsSync(folder));
  t.is((await again(mine)).exitCode, 1);
  t.deepEqual(readdirSync(mine), []);
  for (const { name, version } of scene.upstream.offered) {
    scene.upstream.addFault({
      match: `${name}-${version}.zip.sig`,
      answer: (_request, response) => response.writeHead(404).end(),
    });
  }
  const failed = await again(folder);
  t.is(failed.exitCode, 1);
  t.true(failed.json.report.failed.length > 0);
  t.false(existsSync(folder));
});

test('an archive beyond the size limit is not even read', async (t) => {
  const scene = await setUp(t, 200_000);
  assertOnlyApache(
    t,
    scene,
    await scene.run('--max-archive-size', '100kB'),
    'UPSTREAM_ANSWER',
    /the limit is 100000/,
  );
});
