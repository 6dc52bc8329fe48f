import test from 'ava';
import { createBundle } from '../../src/bundle/create.ts';
import { collectFolder } from '../../src/bundle/file-set.ts';
import { createBundleSite } from '../support/bundle-site.ts';
import { writeZipPackage } from '../support/packages.ts';
import { startServer } from '../support/server.ts';

test('a server on DEPOT/current serves what was imported, and after a rollback what was before, without a restart', async (t) => {
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
  const server = await startServer({ packagePaths: [site.at('depot/current')] });
  t.teardown(() => server.close());
  const names = async (): Promise<string[]> => {
    const answer = (await (await fetch(`${server.url}/search?all=true&prerelease=true`)).json()) as {
      name: string;
    }[];
    return answer.map((one) => one.name);
  };
  t.deepEqual(await names(), ['first']);
  await site.import(['two.tar'], depot);
  await server.app.refresh();
  t.deepEqual(await names(), ['first', 'second']);
  t.is((await fetch(`${server.url}/epr/second/second-2.0.0.zip`)).status, 200);
  await depot.change('snapshot rollback', () => depot.snapshots.switchTo(snapshot, 'rollback'));
  await server.app.refresh();
  t.deepEqual(await names(), ['first']);
});
