import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { packageFiles, writeZipPackage, zipBytes } from '../support/packages.ts';
import { lookBy, startRegistry } from './registry.ts';

const count = 1000;

test('1,000 new files are a few snapshots, and no request fails meanwhile', async (t) => {
  const archives = new Map<string, Buffer>();
  for (let at = 0; at < count; at++) {
    const version = `1.${at}.0`;
    archives.set(
      `demo-${version}.zip`,
      await zipBytes(`demo-${version}`, packageFiles({ version, type: 'content' })),
    );
  }
  const registry = await startRegistry(t, {
    flags: lookBy.notify,
    prepare: (folder) => writeZipPackage(folder, { name: 'first' }),
  });
  const before = (await registry.health()).generation;
  await mkdir(join(registry.folder, 'burst'));
  for (const [name, bytes] of archives) {
    await writeFile(join(registry.folder, 'burst', name), bytes);
  }
  let failed = 0;
  await eventually('all are served', async () => {
    const answer = await fetch(`${registry.url}/search`);
    failed += answer.status === 200 ? 0 : 1;
    await answer.arrayBuffer();
    return (await registry.health()).versions === count + 1;
  });
  t.is(failed, 0);
  const swaps = (await registry.health()).generation - before;
  t.true(swaps <= 10, `${swaps} snapshots`);
  t.is(registry.lines.filter(({ level }) => level === 'warn').length, 0);
});

test('looks that are asked for at once share one look that begins after them', async (t) => {
  const registry = await startRegistry(t, { flags: lookBy.nothing });
  const looks = (): Promise<number> => registry.metric('fleet_depot_index_reloads_total{result="same"}');
  const before = await looks();
  await Promise.all(Array.from({ length: 50 }, () => registry.app.refresh()));
  t.is((await looks()) - before, 2, 'the one that ran, and one for all who came meanwhile');
  const running = registry.app.refresh();
  await writeZipPackage(registry.folder);
  await Promise.all([running, registry.app.refresh()]);
  t.deepEqual(await registry.versions(), ['1.0.0']);
});
