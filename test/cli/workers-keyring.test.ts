import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startServer } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { createPublisher } from '../support/signed-packages.ts';

test('workers follow a keyring that changes, and one that starts later needs no keyring', async (t) => {
  const folder = await scratch(t);
  const [packages, keyring] = [join(folder, 'packages'), join(folder, 'keys.asc')];
  await mkdir(packages);
  const [mine, other] = await Promise.all([createPublisher(), createPublisher()]);
  for (const [name, by] of [
    ['mine', mine],
    ['other', other],
  ] as const) {
    const zip = await writeZipPackage(packages, { name });
    await writeFile(`${zip}.sig`, await by.sign(await readFile(zip)));
  }
  await writeFile(keyring, mine.publicKey);
  const words = ['-workers', '2', '-package-paths', packages, '-cache-dir', join(folder, 'cache')];
  const trust = ['-signature-policy', 'verified', '-keyring', keyring, '-poll-interval', '0'];
  const server = await startServer(t, ['serve', ...words, ...trust]);
  const serves = async (wanted: string): Promise<boolean> => {
    const answer = await fetch(`${server.url}/search`, { headers: { connection: 'close' } });
    const items = (answer.ok ? await answer.json() : []) as readonly { readonly name: string }[];
    return items.map(({ name }) => name).join() === wanted;
  };
  const all = (wanted: string): Promise<void> =>
    eventually(`workers serve ${wanted}`, async () =>
      (await Promise.all(Array.from({ length: 20 }, () => serves(wanted).catch(() => false)))).every(Boolean),
    );
  await all('mine');
  await writeFile(keyring, mine.publicKey + other.publicKey);
  server.signal('SIGHUP');
  await all('mine,other');

  // The index was judged by the keyring as it was; a new worker takes it over whatever the keyring is by now.
  const pids = (): readonly number[] =>
    [...server.log().matchAll(/"process.pid":(\d+)[^\n]*"event.action":"request"/g)].map(([, pid]) =>
      Number(pid),
    );
  await writeFile(keyring, 'no key');
  const [victim] = pids();
  t.truthy(victim);
  process.kill(victim ?? 0, 'SIGKILL');
  await eventually('another worker answers', async () => {
    await serves('');
    return new Set(pids()).size > 2;
  });
  await all('mine,other');
});
