import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeCredential, writeCredentials } from '../../src/artifacts/credential-file.ts';
import { startServer, type RunningServer } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { agentPath, artifactBytes, makeRelease, type Release } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';

interface Line {
  readonly 'process.pid': number;
  readonly 'event.action'?: string;
  readonly 'file.path'?: string;
  readonly 'http.response.status_code'?: number;
}

/** Milliseconds until one more wrong credential of a client is borne. */
const refill = 6000;

const linesOf = (server: RunningServer): readonly Line[] =>
  server
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

/** Who read which file, in the order of the log. */
const readings = (server: RunningServer): readonly Line[] =>
  linesOf(server).filter((line) => line['event.action'] === 'artifact-read');

const startWorkers = async (
  t: ExecutionContext,
  folder: string,
  release: Release,
  ...more: readonly string[]
): Promise<RunningServer> => {
  await mkdir(join(folder, 'packages'), { recursive: true });
  const words = ['serve', '-workers', '2', '-log-level', 'debug', '-artifacts-rescan', '1s'];
  words.push('-package-paths', join(folder, 'packages'), '-cache-dir', join(folder, 'cache'));
  words.push('-artifacts-path', release.artifacts, '-keys-path', release.keys, ...more);
  return startServer(t, words);
};

/** Statuses of many requests at once, each on a connection of its own: both processes answer some. */
const askMany = async (url: string): Promise<ReadonlySet<number>> =>
  new Set(
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const answer = await fetch(url, { headers: { connection: 'close' } });
        await answer.arrayBuffer();
        return answer.status;
      }),
    ),
  );

const agree = (url: string, status: number): Promise<void> =>
  eventually(`both processes answer ${status}`, async () => {
    const found = await askMany(url);
    return found.size === 1 && found.has(status);
  });

test('one process reads artifacts for all, once, and tells of them once; the next start reads nothing', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const [good, broken] = [agentPath('9.2.1'), agentPath('9.2.2')];
  await release.add(good);
  await release.add(broken);
  await release.put(broken, artifactBytes(broken));
  const server = await startWorkers(t, folder, release);
  await agree(`${server.url}/downloads/${good}`, 200);
  await agree(`${server.url}/downloads/${broken}`, 404);
  t.deepEqual(
    readings(server)
      .map((line) => line['file.path'])
      .toSorted(),
    [good, broken],
  );
  t.is(new Set(readings(server).map((line) => line['process.pid'])).size, 1);
  const told = linesOf(server).filter((line) => line['event.action'] === 'artifact-quarantined');
  t.is(told.length, 1);
  server.signal('SIGTERM');
  t.is(await server.closed, 0);
  const next = await startWorkers(t, folder, release);
  await agree(`${next.url}/downloads/${good}`, 200);
  await agree(`${next.url}/downloads/${broken}`, 404);
  t.deepEqual(readings(next), []);
});

test('a file that is replaced is checked by the one process as soon as another meets it', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  await release.add(path);
  const server = await startWorkers(t, folder, release);
  await agree(`${server.url}/downloads/${path}`, 200);
  const renewed = artifactBytes(path, 5000);
  await writeFile(join(folder, 'next'), renewed);
  await rename(join(folder, 'next'), join(release.artifacts, 'downloads', path));
  await agree(`${server.url}/downloads/${path}`, 503);
  await eventually('it was read', () =>
    linesOf(server).some((line) => line['event.action'] === 'artifact-quarantined'),
  );
  // Passing trouble for both, since it was good before.
  await agree(`${server.url}/downloads/${path}`, 503);
  await release.add(path, renewed);
  await agree(`${server.url}/downloads/${path}`, 200);
  t.is(new Set(readings(server).map((line) => line['process.pid'])).size, 1);
});

test('digests that are taken away with the cache folder are written again for a process that starts', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  await release.add(path);
  const server = await startWorkers(t, folder, release, '-artifacts-rescan', '1h');
  await agree(`${server.url}/downloads/${path}`, 200);
  await rm(join(folder, 'cache'), { recursive: true });
  const sending = (): ReadonlySet<number> =>
    new Set(
      linesOf(server)
        .filter((line) => line['http.response.status_code'] === 200)
        .map((line) => line['process.pid']),
    );
  const [victim = 0] = sending();
  process.kill(victim, 'SIGKILL');
  await eventually('the one that takes its place sends the file', async () => {
    await askMany(`${server.url}/downloads/${path}`).catch(() => undefined);
    return sending().size >= 3;
  });
  t.is(readings(server).length, 1, 'nothing was read again');
});

test('wrong credentials are counted by all processes together', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  await release.add(path);
  const file = join(folder, 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', new Date(0))]);
  const server = await startWorkers(t, folder, release, '-artifacts-auth-file', file);
  const ask = async (secret: string, spaces = 1): Promise<number> => {
    const shown = Buffer.from(`agents:${secret}`).toString('base64');
    const headers = { authorization: `Basic${' '.repeat(spaces)}${shown}`, connection: 'close' };
    const answer = await fetch(`${server.url}/downloads/${path}`, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  // Until the artifacts are listed the answer is 503, and nobody looks at a credential; a request without one costs nothing.
  await agree(`${server.url}/downloads/${path}`, 401);
  let last = 0;
  const guess = async (): Promise<number> => {
    last = Date.now();
    return ask('wrong');
  };
  for (let borne = 0; borne < 10; borne += 1) {
    t.is(await guess(), 401);
  }
  // The good credential costs nothing, and tells whether a process still bears a guess. Written with so many spaces it is one that
  // the process doesn't know yet.
  let spaces = 0;
  const probe = (): Promise<number> => ask('good', (spaces += 1));
  await eventually('both processes bear no further guess', async () => {
    if (Date.now() - last >= refill) {
      // One more is borne by now, by both together.
      await guess();
    }
    const found = new Set(await Promise.all(Array.from({ length: 30 }, probe)));
    return found.size === 1 && found.has(429);
  });
  t.pass();
});
