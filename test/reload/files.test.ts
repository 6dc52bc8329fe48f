import { mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { signatureOf } from '../support/armored.ts';
import { eventually } from '../support/eventually.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { described, descriptionOf, lookBy, serves, startRegistry } from './registry.ts';

for (const [means, flags] of Object.entries({ notifications: lookBy.notify, polling: lookBy.poll })) {
  test(`added, renamed, replaced and removed packages are noticed by ${means} alone`, async (t) => {
    const registry = await startRegistry(t, { flags });
    await writeZipPackage(registry.folder);
    await serves(registry, ['1.0.0']);
    await writeZipPackage(join(registry.folder, 'new', 'folder'), { version: '1.1.0' });
    await serves(registry, ['1.0.0', '1.1.0']);
    await writeFolderPackage(registry.folder, { version: '1.2.0' });
    await serves(registry, ['1.0.0', '1.1.0', '1.2.0']);

    await rename(join(registry.folder, 'demo-1.0.0.zip'), join(registry.folder, 'other.zip'));
    await eventually('the archive is served from its new name', async () => {
      return (await fetch(`${registry.url}/epr/demo/demo-1.0.0.zip`)).status === 200;
    });

    await writeFile(join(registry.folder, '.part'), await described('By a rename.'));
    await rename(join(registry.folder, '.part'), join(registry.folder, 'other.zip'));
    await eventually('the renamed content', async () => (await descriptionOf(registry)) === 'By a rename.');
    await writeFile(join(registry.folder, 'other.zip'), await described('In its place.'));
    await eventually('the content in place', async () => (await descriptionOf(registry)) === 'In its place.');

    await rm(join(registry.folder, 'demo'), { recursive: true });
    await rm(join(registry.folder, 'other.zip'));
    await serves(registry, ['1.1.0']);
    t.is((await registry.health()).status, 'ready');
  });

  test(`a swapped symlink anywhere on the way is noticed by ${means} alone`, async (t) => {
    const base = await scratch(t);
    await writeZipPackage(join(base, 'releases', '1', 'packages'));
    await writeZipPackage(join(base, 'releases', '2', 'packages'), { version: '2.0.0' });
    await writeZipPackage(join(base, 'releases', '3', 'packages'), { version: '3.0.0' });
    await mkdir(join(base, 'links'));
    const swap = async (link: string, target: string): Promise<void> => {
      await symlink(target, join(base, 'links', 'next'));
      await rename(join(base, 'links', 'next'), join(base, 'links', link));
    };
    await swap('stable', '../releases/1');
    await swap('current', 'stable');
    const registry = await startRegistry(t, {
      packagePaths: [join(base, 'links', 'current', 'packages')],
      flags,
    });
    t.deepEqual(await registry.versions(), ['1.0.0']);
    await swap('current', '../releases/2');
    await serves(registry, ['2.0.0']);
    await swap('current', 'stable');
    await serves(registry, ['1.0.0']);
    await swap('stable', '../releases/3');
    await serves(registry, ['3.0.0']);
    await writeZipPackage(join(base, 'releases', '3', 'packages'), { version: '3.1.0' });
    await serves(registry, ['3.0.0', '3.1.0']);
  });
}

test('a folder that was removed and made again is watched again', async (t) => {
  const registry = await startRegistry(t, {
    flags: lookBy.notify,
    prepare: (folder) => writeZipPackage(join(folder, 'sub')),
  });
  for (const version of ['1.1.0', '1.2.0', '1.3.0']) {
    await rm(join(registry.folder, 'sub'), { recursive: true });
    await mkdir(join(registry.folder, 'sub'));
    await setTimeout(600);
    await writeZipPackage(join(registry.folder, 'sub'), { version });
    await serves(registry, [version]);
  }
  t.is((await registry.health()).status, 'ready');
});

test('a broken archive is quarantined once it has settled, and taken when it is mended in place', async (t) => {
  const registry = await startRegistry(t);
  const path = join(registry.folder, 'demo-1.0.0.zip');
  const good = await described('Mended.');
  // Damage within the data of the manifest alone: the directory of the archive stays what it was.
  const bad = Buffer.from(good);
  const manifest = bad.indexOf('demo-1.0.0/manifest.yml') + 'demo-1.0.0/manifest.yml'.length;
  bad.fill(0, manifest + 5, manifest + 60);
  await writeFile(path, bad);
  await eventually('it is in quarantine', async () => (await registry.health()).quarantined === 1);
  t.deepEqual(await registry.versions(), []);
  await writeFile(path, good);
  await serves(registry, ['1.0.0']);
  t.is((await registry.health()).quarantined, 0);
});

test('a signature that comes later is noticed, whether it is required or not', async (t) => {
  for (const required of [false, true]) {
    const registry = await startRegistry(t, { requirePackageSignatures: required });
    const path = await writeZipPackage(registry.folder);
    const address = `${registry.url}/epr/demo/demo-1.0.0.zip.sig`;
    if (required) {
      await eventually('it waits in quarantine', async () => (await registry.health()).quarantined === 1);
      t.deepEqual(await registry.versions(), []);
    } else {
      await serves(registry, ['1.0.0']);
    }
    t.is((await fetch(address)).status, 404);
    await writeFile(`${path}.sig`, await signatureOf('demo'));
    await eventually('the signature is served', async () => (await fetch(address)).status === 200);
    t.deepEqual(await registry.versions(), ['1.0.0']);
    await rm(`${path}.sig`);
    await eventually('the signature is gone', async () => (await fetch(address)).status === 404);
    await serves(registry, required ? [] : ['1.0.0']);
  }
});

test('content of the same size with its old time is noticed', async (t) => {
  const registry = await startRegistry(t);
  const path = join(registry.folder, 'demo-1.0.0.zip');
  // Stored with equal lengths, so that only the bytes differ.
  const [one, two] = [await described('Content AAA.'), await described('Content BBB.')];
  t.is(one.length, two.length);
  await writeFile(path, one);
  await utimes(path, 1_000_000, 1_000_000);
  await eventually('the first', async () => (await descriptionOf(registry)) === 'Content AAA.');
  await writeFile(path, two);
  await utimes(path, 1_000_000, 1_000_000);
  t.is((await stat(path)).mtimeMs, 1_000_000_000);
  await eventually('the second', async () => (await descriptionOf(registry)) === 'Content BBB.');
});

test('files with times in the future are taken, and broken ones are quarantined too', async (t) => {
  const registry = await startRegistry(t);
  const ahead = Date.now() / 1000 + 86_400;
  await utimes(await writeZipPackage(registry.folder), ahead, ahead);
  const broken = join(registry.folder, 'broken-1.0.0.zip');
  await writeFile(broken, 'no archive');
  await utimes(broken, ahead, ahead);
  await serves(registry, ['1.0.0']);
  await eventually('the broken one is told', async () => (await registry.health()).quarantined === 1);
  t.is((await readFile(broken, 'utf8')).length, 10);
});

test('an unreadable folder keeps what was served, tells health, log and metrics, and recovers', async (t) => {
  const base = await scratch(t);
  const path = join(base, 'packages');
  await mkdir(path);
  await writeZipPackage(path);
  const registry = await startRegistry(t, { packagePaths: [path] });
  const failed = (): Promise<number> => registry.metric('fleet_depot_index_reloads_total{result="failed"}');
  t.is(await failed(), 0);
  await rename(path, join(base, 'away'));
  await eventually('health is degraded', async () => (await registry.health()).status === 'degraded');
  t.regex((await registry.health()).reason ?? '', /; what was served before is kept$/);
  t.deepEqual(await registry.versions(), ['1.0.0']);
  await t.throwsAsync(registry.app.refresh());
  await t.throwsAsync(registry.app.refresh());
  t.true((await failed()) >= 2);
  const told = registry.lines.filter(({ fields }) => fields['event.action'] === 'index-failed');
  t.deepEqual(
    told.map(({ level }) => level),
    ['error'],
    'a fault that stays is said once',
  );
  await writeZipPackage(join(base, 'away'), { version: '1.1.0' });
  await rename(join(base, 'away'), path);
  await serves(registry, ['1.0.0', '1.1.0']);
  t.is((await registry.health()).status, 'ready');
  t.true(registry.lines.some(({ fields }) => fields['event.action'] === 'index-recovered'));
});
