import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBundle } from '../../src/bundle/create.ts';
import { collectFolder } from '../../src/bundle/file-set.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { writeZipPackage } from '../support/packages.ts';
import { startServer } from '../support/server.ts';

for (const [how, interval] of [
  ['polls', '300ms'],
  ['is notified', '0'],
] as const) {
  test(`a server that ${how} on DEPOT/current serves what was imported, and after a rollback what was before`, async (t) => {
    const site = await createBundleSite(t);
    const carry = async (folder: string, output: string): Promise<void> => {
      const files = await collectFolder(site.at(folder), () => undefined);
      await createBundle({ files, signer: site.signer, output: site.at(output) });
    };
    await writeZipPackage(site.at('in'), { name: 'first', version: '1.0.0' });
    await carry('in', 'one.tar');
    await writeZipPackage(site.at('in'), { name: 'second', version: '2.0.0' });
    await carry('in', 'two.tar');

    const depot = await site.depot();
    const { snapshot } = await site.import(['one.tar'], depot);
    const server = await startServer({
      packagePaths: [site.at('depot/current')],
      flags: { 'poll-interval': interval },
    });
    t.teardown(() => server.close());
    const names = async (): Promise<string[]> => {
      const answer = (await (await fetch(`${server.url}/search?all=true&prerelease=true`)).json()) as {
        name: string;
      }[];
      return answer.map((one) => one.name);
    };
    /** Waits as long as the test may take: how soon the server looks is its own business. */
    const serves = async (...expected: string[]): Promise<void> => {
      while ((await names()).join() !== expected.join()) {
        await sleep(100);
      }
      t.pass();
    };
    await serves('first');
    await site.import(['two.tar'], depot);
    await serves('first', 'second');
    t.is((await fetch(`${server.url}/epr/second/second-2.0.0.zip`)).status, 200);
    await depot.change('snapshot rollback', () => depot.snapshots.switchTo(snapshot, 'rollback'));
    await serves('first');
  });
}

test('a server that is given the depot itself says which folder of it is meant', async (t) => {
  const site = await createBundleSite(t);
  const depot = await site.depot();
  const server = await startServer({ packagePaths: [depot.layout.root] });
  t.teardown(() => server.close());
  const warnings = server.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  t.true(
    warnings.some((message) => message.includes(`is a depot: name ${depot.layout.current}, or`)),
    warnings.join('\n'),
  );
});
