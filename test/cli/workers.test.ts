import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { runCommand, startServer, type RunningServer } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { smallDisk } from '../support/small-disk.ts';
import { freePort } from '../support/tls-proxy.ts';

interface Started {
  readonly server: RunningServer;
  readonly packages: string;
  readonly metrics: string;
}

const startWorkers = async (
  t: ExecutionContext,
  first = ['first'],
  env: NodeJS.ProcessEnv = {},
): Promise<Started> => {
  const folder = await scratch(t);
  const packages = join(folder, 'packages');
  await mkdir(packages);
  await Promise.all(first.map((name) => writeZipPackage(packages, { name, version: '1.0.0' })));
  const port = await freePort();
  const words = ['serve', '-workers', '2', '-package-paths', packages];
  words.push('-cache-dir', env['EPR_CACHE_DIR'] ?? join(folder, 'cache'));
  words.push('-require-package-signatures=false', '-metrics-address', `localhost:${port}`);
  const server = await startServer(t, words, { env });
  await eventually('the workers serve', async () => (await fetch(`${server.url}/search`)).ok);
  return { server, packages, metrics: `http://localhost:${port}/metrics` };
};

/** Pids of the processes that wrote access lines. */
const answering = (server: RunningServer): ReadonlySet<number> => {
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line.includes('"event.action":"request"'));
  return new Set(lines.map((line) => (JSON.parse(line) as { 'process.pid': number })['process.pid']));
};

const names = async (url: string): Promise<string[]> => {
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(`${url}/search`, { headers: { connection: 'close' }, signal });
  return response.ok ? ((await response.json()) as { name: string }[]).map(({ name }) => name) : [];
};

/** Many at a time: whoever is free takes a connection, so one process alone would take all that come one by one. */
const askMany = async ({ url }: RunningServer): Promise<void> => {
  await Promise.all(Array.from({ length: 30 }, () => names(url).catch(() => undefined)));
};

/** Asks on connections of their own until both processes have answered. */
const askBoth = (server: RunningServer): Promise<void> =>
  eventually('both workers answer', async () => {
    await askMany(server);
    return answering(server).size >= 2;
  });

test('a stop that comes while processes are still starting ends them all', async (t) => {
  const folder = await scratch(t);
  // One that missed the stop would be waited for this long.
  const words = ['-workers', '6', '-shutdown-timeout', '10m', '-cache-dir', join(folder, 'cache')];
  const server = await startServer(t, words, { cwd: folder });
  server.signal('SIGTERM');
  t.is(await server.closed, 0);
});

test('what is to be known at the start is said once, not by each process', async (t) => {
  const { server } = await startWorkers(t, [], { EPR_HTTPPROF: 'localhost:6060' });
  t.is(server.log().match(/there is no profiler/g)?.length, 1);
});

test('more processes share the port, and their metrics are one sum', async (t) => {
  const { server, metrics } = await startWorkers(t);
  await askBoth(server);
  const asked = server.log().split('"url.path":"/search"').length - 1;
  const text = await (await fetch(metrics)).text();
  const counted = /^epr_http_requests_total\{code="200",method="get",path="\/search"\} (\d+)$/m.exec(
    text,
  )?.[1];
  t.true(Number(counted) >= 2);
  t.true(Number(counted) <= asked);
  t.regex(text, /^epr_number_indexed_packages 1$/m);
  server.signal('SIGTERM');
  t.is(await server.closed, 0);
});

test('an empty folder is served as one, and the first package reaches the processes', async (t) => {
  const { server, packages } = await startWorkers(t, []);
  t.deepEqual(await names(server.url), []);
  t.notRegex(server.log(), /index-failed/);
  await writeZipPackage(packages, { name: 'first', version: '1.0.0' });
  await eventually('the package is served', async () => (await names(server.url)).includes('first'));
});

test('new content reaches every process', async (t) => {
  const { server, packages } = await startWorkers(t);
  await askBoth(server);
  await writeZipPackage(packages, { name: 'second', version: '1.0.0' });
  await eventually('twenty answers in a row have the new package', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => names(server.url)));
    return answers.every((list) => list.includes('second'));
  });
  const health = (await (await fetch(`${server.url}/health`)).json()) as { generation: number };
  t.true(health.generation >= 2);
});

test('a process that dies is replaced and counted, and the port goes on answering', async (t) => {
  const { server, metrics } = await startWorkers(t);
  await askBoth(server);
  const [victim = 0] = answering(server);
  process.kill(victim, 'SIGKILL');
  await eventually('another process answers', async () => {
    await askMany(server);
    return answering(server).size >= 3;
  });
  t.deepEqual(await names(server.url), ['first']);
  t.regex(await (await fetch(metrics)).text(), /^fleet_depot_worker_replacements_total 1$/m);
  t.regex(server.log(), /a worker died \(SIGKILL\) and is replaced/);
});

test('one that could not be started for want of file handles is started as soon as there are some', async (t) => {
  const { server } = await startWorkers(t);
  await askBoth(server);
  const ready =
    server
      .log()
      .split('\n')
      .find((line) => line.includes('"event.action":"index-ready"')) ?? '{}';
  const primary = String((JSON.parse(ready) as { 'process.pid': number })['process.pid']);
  const limit = async (handles: string): Promise<void> =>
    void (await promisify(execFile)('prlimit', ['--pid', primary, `--nofile=${handles}:`]));
  try {
    await limit(String((await readdir(`/proc/${primary}/fd`)).length));
  } catch (error) {
    t.log(`skipped: ${String(error)}`);
    t.pass();
    return;
  }
  const [victim = 0] = answering(server);
  process.kill(victim, 'SIGKILL');
  await eventually('the log says so', () => server.log().includes('"event.action":"worker-not-started"'));
  await limit('1024');
  await eventually('another process answers', async () => {
    await askMany(server);
    return answering(server).size >= 3;
  });
  t.deepEqual(await names(server.url), ['first']);
});

test('the processes share one index file', async (t) => {
  const { server, packages } = await startWorkers(t);
  await askBoth(server);
  const cache = join(packages, '..', 'cache');
  const files = (await readdir(cache)).filter((name) => name.endsWith('.fleet'));
  t.is(files.length, 1);
  t.true((await readFile(join(cache, files[0] ?? ''))).length > 0);
});

test('processes whose cache folder cannot be made share one of their own', async (t) => {
  const folder = await scratch(t);
  await mkdir(join(folder, 'packages'));
  await writeZipPackage(join(folder, 'packages'), { name: 'first', version: '1.0.0' });
  for (const cache of ['/proc/fleet-depot', join(folder, 'packages', 'first-1.0.0.zip', 'cache')]) {
    const words = ['serve', '-workers', '2', '-cache-dir', cache, '-package-paths', join(folder, 'packages')];
    words.push('-require-package-signatures=false');
    const server = await startServer(t, words, { cwd: folder });
    await eventually(cache, async () => (await names(server.url)).includes('first'));
    server.signal('SIGTERM');
    t.is(await server.closed, 0);
  }
});

test('a cache folder that is taken away is made again for the processes that start', async (t) => {
  const { server, packages } = await startWorkers(t);
  await askBoth(server);
  const [victim = 0] = answering(server);
  await rm(join(packages, '..', 'cache'), { recursive: true });
  process.kill(victim, 'SIGKILL');
  await eventually('another process answers', async () => {
    await askMany(server);
    return answering(server).size >= 3;
  });
  const answers = await Promise.all(Array.from({ length: 30 }, () => names(server.url)));
  t.deepEqual([...new Set(answers.map((list) => list.join()))], ['first']);
  t.regex(server.log(), /"event.action":"index-not-taken"/);
  t.notRegex(server.log(), /"error\.stack_trace"|"error":\{/);
});

test('while the index cannot be written all processes serve the one before, and health says why', async (t) => {
  const disk = await smallDisk(t, 'size=256k');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const { server, packages } = await startWorkers(t, ['first'], { EPR_CACHE_DIR: disk });
  await askBoth(server);
  const fill = join(disk, 'fill');
  await t.throwsAsync(writeFile(fill, Buffer.alloc(1024 * 1024)), { code: 'ENOSPC' });
  const answers = (): Promise<string[]> =>
    Promise.all(Array.from({ length: 20 }, async () => (await names(server.url)).toSorted().join()));
  await writeZipPackage(packages, { name: 'first', version: '1.1.0' });
  const health = async (): Promise<{ status: string; reason?: string }> =>
    (await fetch(`${server.url}/health`)).json() as Promise<{ status: string; reason?: string }>;
  await eventually('health tells it', async () => (await health()).status === 'degraded');
  t.regex((await health()).reason ?? '', /cannot be written.*EPR_CACHE_DIR/);
  t.deepEqual([...new Set(await answers())], ['first']);
  await rm(fill);
  await writeZipPackage(packages, { name: 'second' });
  await eventually('all serve what is new', async () =>
    (await answers()).every((list) => list === 'first,second'),
  );
  await eventually('health is well', async () => (await health()).status === 'ready');
});

test('an address that is taken ends all processes with one line', async (t) => {
  const folder = await scratch(t);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const words = ['serve', '-workers', '2', '-address', `127.0.0.1:${port}`, '-package-paths', folder];
  const { code, stderr } = await runCommand([...words, '-cache-dir', join(folder, 'cache')]);
  t.is(code, 1);
  t.regex(
    stderr,
    /-address \(EPR_ADDRESS\): cannot listen on 127\.0\.0\.1:\d+: another program listens there/,
  );
});

test('while the disk of the packages is away every process says so, also one that takes the place of another', async (t) => {
  const { server, packages } = await startWorkers(t);
  await askBoth(server);
  const victims = answering(server);
  await rename(packages, `${packages}.away`);
  const healths = async (): Promise<readonly (string | undefined)[]> =>
    Promise.all(
      Array.from({ length: 20 }, async () => {
        const answer = await fetch(`${server.url}/health`, { headers: { connection: 'close' } }).catch(
          () => undefined,
        );
        return answer && ((await answer.json()) as { status: string; versions: number }).status;
      }),
    );
  const archive = await fetch(`${server.url}/epr/first/first-1.0.0.zip`);
  t.deepEqual([archive.status, archive.headers.get('retry-after')], [503, '30']);
  await eventually('all are degraded', async () => (await healths()).every((one) => one === 'degraded'));
  const [victim = 0] = victims;
  process.kill(victim, 'SIGKILL');
  await eventually('it is replaced', () => server.log().includes('is replaced'));
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.allSettled(Array.from({ length: 30 }, () => names(server.url)));
    const lists = answers.filter((one) => one.status === 'fulfilled').map(({ value }) => value.join());
    t.deepEqual([...new Set(lists)], ['first'], 'nobody says that there are no packages');
  }
  await rename(`${packages}.away`, packages);
  await eventually('another process answers', async () => {
    await askMany(server);
    return [...answering(server)].some((pid) => !victims.has(pid));
  });
  await eventually('all are ready', async () => (await healths()).every((one) => one === 'ready'));
});
