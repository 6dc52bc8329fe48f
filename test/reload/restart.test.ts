import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { described, descriptionOf, lookBy, startRegistry, type Registry } from './registry.ts';

const readCount = 'fleet_depot_index_packages_read_total';

/** A folder of packages that nobody has written to lately, and a folder for the index. */
const prepared = async (t: ExecutionContext): Promise<{ packages: string; cache: string }> => {
  const base = await scratch(t);
  const packages = join(base, 'packages');
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    const path = await writeZipPackage(packages, { version });
    await utimes(path, 1_000_000, 1_000_000);
  }
  const folder = await writeFolderPackage(packages, { name: 'folder' });
  for (const item of await readdir(folder, { recursive: true })) {
    await utimes(join(folder, item), 1_000_000, 1_000_000);
  }
  return { packages, cache: join(base, 'cache') };
};

const start = (
  t: ExecutionContext,
  { packages, cache }: { packages: string; cache: string },
  flags: Readonly<Record<string, string>> = {},
): Promise<Registry> =>
  startRegistry(t, { packagePaths: [packages], flags: { ...lookBy.nothing, 'cache-dir': cache, ...flags } });

const runOnce = async (
  t: ExecutionContext,
  folders: { packages: string; cache: string },
): Promise<number> => {
  const registry = await start(t, folders);
  const read = await registry.metric(readCount);
  await registry.close();
  return read;
};

test('a restart reads nothing when nothing changed, and only what changed', async (t) => {
  const folders = await prepared(t);
  t.is(await runOnce(t, folders), 4);
  t.is(await runOnce(t, folders), 0);
  await writeFile(
    join(folders.packages, 'demo-1.1.0.zip'),
    await readFile(join(folders.packages, 'demo-1.2.0.zip')),
  );
  t.is(await runOnce(t, folders), 1);
  await rm(join(folders.packages, 'demo-1.0.0.zip'));
  const registry = await start(t, folders);
  t.false((await registry.versions()).includes('1.0.0'));
  t.deepEqual(await registry.versions('folder'), ['1.0.0']);
});

test('answers after a restart are the same to the byte', async (t) => {
  const folders = await prepared(t);
  const bodies: Buffer[][] = [];
  for (let run = 0; run < 2; run++) {
    const registry = await start(t, folders);
    const paths = ['/search?all=true', '/categories', '/package/demo/1.1.0/', '/package/folder/1.0.0/'];
    bodies.push(
      await Promise.all(
        paths.map(async (path) => Buffer.from(await (await fetch(registry.url + path)).arrayBuffer())),
      ),
    );
    await registry.close();
  }
  t.deepEqual(bodies[0], bodies[1]);
});

test('archives that were copied elsewhere and back are compared, not judged again', async (t) => {
  const folders = await prepared(t);
  await runOnce(t, folders);
  const files = (await readdir(folders.packages)).filter((name) => name.endsWith('.zip'));
  for (const name of files) {
    const path = join(folders.packages, name);
    // Judging would find that the manifest is damaged: its being served shows that the directory alone was compared.
    const bytes = await readFile(path);
    const manifest = bytes.indexOf('/manifest.yml', bytes.indexOf('/img/')) + '/manifest.yml'.length;
    bytes.fill(0, manifest + 5, manifest + 60);
    await writeFile(`${path}.copy`, bytes);
    await rename(`${path}.copy`, path);
    await utimes(path, 1_000_000, 1_000_000);
  }
  const registry = await start(t, folders);
  t.is(await registry.metric(readCount), files.length);
  t.deepEqual(await registry.versions(), ['1.0.0', '1.1.0', '1.2.0']);
  const answer = await fetch(`${registry.url}/package/demo/1.0.0/docs/README.md`);
  t.is(answer.status, 200);
  await registry.close();
  t.is(await runOnce(t, folders), 0);
});

test('a start before the share is there keeps the index, so that nothing is read again when it comes', async (t) => {
  const folders = await prepared(t);
  await runOnce(t, folders);
  await rename(folders.packages, `${folders.packages}-away`);
  const registry = await start(t, folders);
  t.deepEqual(await registry.versions(), []);
  await rename(`${folders.packages}-away`, folders.packages);
  await registry.app.refresh();
  t.deepEqual(await registry.versions(), ['1.0.0', '1.1.0', '1.2.0']);
  t.is(await registry.metric(readCount), 0);
  await registry.close();
  t.is(await runOnce(t, folders), 0);
});

test('two servers on one folder and one index don\u2019t harm each other', async (t) => {
  const folders = await prepared(t);
  const pair = await Promise.all([start(t, folders, lookBy.notify), start(t, folders, lookBy.poll)]);
  await writeZipPackage(folders.packages, { version: '2.0.0' });
  for (const registry of pair) {
    await eventually('both have the new one', async () => (await registry.versions()).includes('2.0.0'));
    t.is((await registry.health()).status, 'ready');
  }
  await Promise.all(pair.map((registry) => registry.close()));
  t.deepEqual((await readdir(folders.cache)).length, 1);
  const registry = await start(t, folders);
  t.true((await registry.metric(readCount)) <= 1, 'at most the one that was just written');
  t.is(registry.lines.filter(({ fields }) => fields['event.action'] === 'index-not-taken').length, 0);
});

test('a damaged index is one line in the log, and everything is read', async (t) => {
  const folders = await prepared(t);
  await runOnce(t, folders);
  const [name = ''] = await readdir(folders.cache);
  const bytes = await readFile(join(folders.cache, name));
  await writeFile(join(folders.cache, name), bytes.subarray(0, bytes.length - 1));
  const registry = await start(t, folders);
  t.is(await registry.metric(readCount), 4);
  t.is(registry.lines.filter(({ fields }) => fields['event.action'] === 'index-not-taken').length, 1);
  t.is((await registry.versions()).length, 3);
});

test('without a cache folder that can be written it works with one warning', async (t) => {
  const folders = await prepared(t);
  await mkdir(folders.cache);
  await writeFile(join(folders.cache, 'file'), '');
  const registry = await start(t, { ...folders, cache: join(folders.cache, 'file', 'below') });
  await writeZipPackage(folders.packages, { version: '3.0.0' });
  await registry.app.refresh();
  t.true((await registry.versions()).includes('3.0.0'));
  await registry.close();
  t.is(registry.lines.filter(({ fields }) => fields['event.action'] === 'index-not-kept').length, 1);
});

test('while the rest is read, -serve-while-indexing serves what is known', async (t) => {
  const folders = await prepared(t);
  await runOnce(t, folders);
  await writeFile(join(folders.packages, 'demo-1.0.0.zip'), await described('Changed.'));
  const registry = await start(t, folders, { 'serve-while-indexing': 'true' });
  t.is((await registry.health()).generation, 2, 'what was known, then all');
  t.is(await descriptionOf(registry), 'Changed.');
});
