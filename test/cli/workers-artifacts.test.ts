import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
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
}

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

test('wrong credentials are counted by all processes together', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const path = agentPath('9.2.1');
  await release.add(path);
  const file = join(folder, 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', new Date(0))]);
  const server = await startWorkers(t, folder, release, '-artifacts-auth-file', file);
  const ask = async (guess: number): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`agents:guess ${guess}`).toString('base64')}`;
    const headers = { authorization, connection: 'close' };
    return (await fetch(`${server.url}/downloads/${path}`, { headers })).status;
  };
  const started = Date.now();
  let borne = 0;
  for (let guess = 0; guess < 60; guess += 1) {
    if ((await ask(guess)) !== 429) {
      borne += 1;
      // The other process has to hear of it.
      await setTimeout(100);
    }
  }
  const refilled = Math.ceil((Date.now() - started) / 6000);
  t.true(borne >= 10 && borne <= 10 + refilled, `${borne} of them were looked at`);
});
