import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createPublisher } from '../support/signed-packages.ts';
import { contentOf, runSyncVerb } from '../support/sync-run.ts';
import { createSyncScene } from '../support/sync-scene.ts';

const publisher = await createPublisher();

test('a distribution is fetched, checked, locked, and a second run fetches nothing', async (t) => {
  const { upstream, to, run } = await createSyncScene(t, publisher, {
    packages: [
      ['apache', '1.0.0'],
      ['nginx', '1.2.0'],
      ['nginx', '1.10.0'],
    ],
  });

  const first = await run();
  t.is(first.exitCode, 0, first.stderr);
  t.deepEqual(first.json.report.fetched, ['apache-1.0.0', 'nginx-1.10.0', 'nginx-1.2.0']);
  const content = contentOf(to);
  t.deepEqual(Object.keys(content), [
    'apache-1.0.0.zip',
    'apache-1.0.0.zip.sig',
    'distribution.lock',
    'nginx-1.10.0.zip',
    'nginx-1.10.0.zip.sig',
    'nginx-1.2.0.zip',
    'nginx-1.2.0.zip.sig',
  ]);
  const lock = JSON.parse(readFileSync(join(to, 'distribution.lock'), 'utf8')) as {
    packages: Record<string, unknown>[];
  };
  t.deepEqual(
    lock.packages.map((one) => [one['name'], one['version'], one['signer'], one['sha256']]),
    [
      ['apache', '1.0.0', publisher.fingerprint, content['apache-1.0.0.zip']],
      ['nginx', '1.2.0', publisher.fingerprint, content['nginx-1.2.0.zip']],
      ['nginx', '1.10.0', publisher.fingerprint, content['nginx-1.10.0.zip']],
    ],
  );

  upstream.requests.length = 0;
  const second = await run();
  t.is(second.exitCode, 0);
  t.deepEqual([second.json.report.fetched, second.json.report.kept.length], [[], 3]);
  t.deepEqual(upstream.requests, ['GET /search?all=true']);
  t.deepEqual(contentOf(to), content);
});

test('the lock file says which Kibana a package wants, and a set made again from it has the same lock', async (t) => {
  const { folder, definition, to, run } = await createSyncScene(t, publisher, {
    packages: [
      ['apache', '1.0.0'],
      ['nginx', '1.2.0', { kibana: '^8.0.0 || ^9.0.0' }],
      ['odd', '1.0.0', { kibana: 'no constraint' }],
    ],
  });
  const again = join(folder, 'again');
  t.is((await run()).exitCode, 0);
  const lockFile = join(to, 'distribution.lock');
  const text = readFileSync(lockFile, 'utf8');
  const { packages } = JSON.parse(text) as { packages: Record<string, unknown>[] };
  t.deepEqual(
    packages.map((one) => [one['name'], one['kibana']]),
    [
      ['apache', undefined],
      ['nginx', '^8.0.0 || ^9.0.0'],
      ['odd', undefined],
    ],
  );
  t.is((await run()).exitCode, 0);
  t.is(readFileSync(lockFile, 'utf8'), text, 'of what is kept, too');
  const words = [definition, '--to', again, '--locked', '--lock', lockFile];
  t.is((await runSyncVerb(words, { key: publisher.publicKey })).exitCode, 0);
  t.is(readFileSync(join(again, 'distribution.lock'), 'utf8'), text);
});
