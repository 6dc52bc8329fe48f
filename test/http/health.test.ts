import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { get, getJson } from '../support/client.ts';
import { isRefused } from '../support/headers.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { serveFolder } from '../support/served-folder.ts';
import { collectLog, type LogLine } from '../support/server.ts';

test('a server that is ready says what it serves', async (t) => {
  const { url } = await serveFolder(t, async (root) => {
    await writeZipPackage(root);
    await writeZipPackage(root, { version: '1.1.0' });
    await writeZipPackage(root, { name: 'other' });
    await writeFile(join(root, 'broken-1.0.0.zip'), 'no zip');
  });
  for (const path of ['/health', '/health?ready=true', '/health?live=true']) {
    const reply = await get(url, path);
    t.is(reply.status, 200);
    t.is(reply.header('content-type'), 'application/json');
    t.is(reply.header('cache-control'), 'no-store');
    t.is(reply.header('access-control-allow-origin'), '*');
    const { indexed_at: indexedAt, ...report } = JSON.parse(reply.text) as Record<string, unknown>;
    t.like(report, { status: 'ready', generation: 1, packages: 2, versions: 3, quarantined: 1 });
    t.regex(String(indexedAt), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const head = await get(url, path, { method: 'HEAD' });
    t.is(head.status, 200);
    t.is(head.body.length, 0);
  }
});

test('a server that is loading is alive, not ready, and says when to come back', async (t) => {
  const root = await scratch(t);
  for (let at = 0; at < 40; at++) {
    await writeFolderPackage(root, { name: `demo_${at}` });
  }
  const loaded = loadConfig({
    env: {},
    flags: new Map([
      ['address', '127.0.0.1:0'],
      ['package-paths', root],
      ['require-package-signatures', 'false'],
    ]),
  });
  if (!loaded.ok) {
    return t.fail(String(loaded.problems));
  }
  const lines: LogLine[] = [];
  const app = await startApp(loaded.config, {
    log: collectLog(lines),
    metrics: createMetrics({ version: '1' }),
  });
  t.teardown(() => app.close());
  const url = app.address.replace('localhost', '127.0.0.1');
  const [ready, live, search, root404] = await Promise.all(
    ['/health', '/health?live=true', '/search', '/nosuch'].map((path) => get(url, path)),
  );
  t.is(ready?.status, 503);
  t.is(ready?.header('retry-after'), '1');
  t.like(JSON.parse(ready?.text ?? ''), { status: 'loading', generation: 0, packages: 0, versions: 0 });
  t.regex((JSON.parse(ready?.text ?? '') as { reason: string }).reason, /first index/);
  t.is(live?.status, 200);
  t.is(search?.status, 503);
  t.is(search?.header('retry-after'), '1');
  t.regex(search?.text ?? '', /^the index is not ready: /);
  t.deepEqual(search?.lines('cache-control'), ['max-age=0', 'private, no-store']);
  t.is(root404?.status, 404);
  await app.ready;
  t.is((await get(url, '/health')).status, 200);
  t.like(await getJson(url, '/health'), { status: 'ready', versions: 40 });
});

/** What health says, as soon as it has this status and a reason other than that the index is being made. */
const statusOf = async (url: string, status: number): Promise<Record<string, unknown>> => {
  for (;;) {
    const reply = await get(url, '/health');
    const report = JSON.parse(reply.text) as Record<string, unknown>;
    if (reply.status === status && report['status'] !== 'loading') {
      return report;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
};

test('a package path that cannot be read is not ready until it can, and says why', async (t) => {
  const root = await scratch(t);
  // No folder: what lies below it can't be looked at, whoever asks.
  await writeFile(join(root, 'share'), '');
  const loaded = loadConfig({
    env: {},
    flags: new Map([
      ['address', '127.0.0.1:0'],
      ['package-paths', join(root, 'share', 'packages')],
      ['require-package-signatures', 'false'],
    ]),
  });
  if (!loaded.ok) {
    return t.fail(String(loaded.problems));
  }
  const app = await startApp(loaded.config, {
    log: collectLog([]),
    metrics: createMetrics({ version: '1' }),
  });
  t.teardown(() => app.close());
  const url = app.address.replace('localhost', '127.0.0.1');
  const health = await statusOf(url, 503);
  t.is(health['status'], 'failed');
  t.regex(String(health['reason']), /share\/packages: the package path cannot be read/);
  await rm(join(root, 'share'));
  await mkdir(join(root, 'share', 'packages'), { recursive: true });
  await writeZipPackage(join(root, 'share', 'packages'));
  await app.refresh();
  t.like(await getJson(url, '/health'), { status: 'ready', versions: 1 });
  await app.ready;
});

test('a package path that goes away and comes back is told by the next index', async (t) => {
  const server = await serveFolder(t, async (root) => {
    await mkdir(join(root, 'p'));
    await writeZipPackage(root);
  });
  await writeZipPackage(server.root, { name: 'later' });
  await server.app.refresh();
  const later = await getJson<{ generation: number }>(server.url, '/health');
  t.like(later, { versions: 2 });
  t.true(later.generation > 1);
  await rm(join(server.root, 'later-1.0.0.zip'));
  await server.app.refresh();
  const last = await getJson<{ generation: number }>(server.url, '/health');
  t.like(last, { versions: 1 });
  t.true(last.generation > later.generation);
  isRefused(t, await get(server.url, '/package/later/1.0.0/'), 404, 'package revision not found');
});

test('with -strict one broken package ends the start with its reason', async (t) => {
  const error = await t.throwsAsync(
    serveFolder(
      t,
      async (root) => {
        await writeZipPackage(root);
        await writeFile(join(root, 'broken-1.0.0.zip'), 'no zip');
      },
      { flags: { strict: 'true' } },
    ),
  );
  t.regex(
    error?.message ?? '',
    /^1 package is refused and -strict is on; the first: broken-1\.0\.0\.zip: .*not a zip/,
  );
});
