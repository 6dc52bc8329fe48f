import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { packageFiles, writeZip, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';

/** Packages that take one thread a while. */
const heavyPackages = async (folder: string, count: number): Promise<void> => {
  const fields = Array.from({ length: 3000 }, (_, at) => `- name: field_${at}\n  type: keyword\n`).join('');
  for (let at = 0; at < count; at++) {
    const files = { 'data_stream/log/fields/many.yml': `${fields}# ${at}\n` };
    await writeZip(
      join(folder, `demo-1.${at}.0.zip`),
      `demo-1.${at}.0`,
      packageFiles({ version: `1.${at}.0`, files }),
    );
  }
};

test('before the first index stands the port is open, tells how far it is, and sends clients to come again', async (t) => {
  const folder = await scratch(t);
  await heavyPackages(folder, 60);
  const server = await startServer({
    packagePaths: [folder],
    flags: { 'package-paths-workers': '1' },
    untilReady: false,
  });
  t.teardown(() => server.close());
  const [health, live, search, root] = await Promise.all(
    ['/health', '/health?live=true', '/search', '/package/demo/1.0.0/'].map((path) =>
      fetch(server.url + path),
    ),
  );
  t.deepEqual(
    [health, live, search, root].map((answer) => answer?.status),
    [503, 200, 503, 503],
  );
  for (const answer of [health, search, root]) {
    t.truthy(answer?.headers.get('retry-after'));
  }
  const seen: unknown[] = [];
  await eventually('progress', async () => {
    const report = (await (await fetch(`${server.url}/health`)).json()) as {
      status: string;
      progress?: { done: number; total: number };
    };
    seen.push(report.progress?.total);
    return report.status === 'ready';
  });
  t.true(seen.includes(60), 'health said how many there are');
  t.is((await server.app.ready).packages.length, 60);
});

test('a server that is stopped during its first index ends soon, and the next one goes on from there', async (t) => {
  const folder = await scratch(t);
  const cache = await scratch(t);
  await heavyPackages(folder, 90);
  await writeZipPackage(folder, { name: 'other' });
  const options = {
    packagePaths: [folder],
    flags: { 'cache-dir': cache, 'package-paths-workers': '1', 'poll-interval': '0s' },
  };
  const server = await startServer({ ...options, untilReady: false });
  const ready = t.throwsAsync(server.app.ready, { code: 'NOT_READY' });
  await eventually('some are read', async () => {
    const report = (await (await fetch(`${server.url}/health`)).json()) as { progress?: { done: number } };
    return (report.progress?.done ?? 0) > 0;
  });
  await server.close();
  await ready;
  t.is((await readdir(cache)).length, 1);
  const next = await startServer(options);
  t.teardown(() => next.close());
  t.is((await next.app.ready).packages.length, 91);
});
