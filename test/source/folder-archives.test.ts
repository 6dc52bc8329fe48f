import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { createFolderArchives, type FolderArchiveOptions } from '../../src/source/folder-archives.ts';
import { openFolderPackage } from '../../src/source/folder-package.ts';
import type { PackageRef } from '../../src/source/source.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { writeFolderPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const begin = async (t: ExecutionContext, options: FolderArchiveOptions = {}) => {
  const root = await scratch(t);
  const path = await writeFolderPackage(root, {});
  const opened: string[] = [];
  const archives = createFolderArchives(async (ref) => {
    opened.push(ref.stamp);
    return openFolderPackage(ref.path, testLimits);
  }, options);
  const ref = (stamp: string): PackageRef => ({
    kind: 'folder',
    path,
    label: 'demo/1.0.0',
    expected: { name: 'demo', version: '1.0.0' },
    stamp,
    size: 1,
    modifiedAt: 1_700_000_000_000,
  });
  return { archives, opened, ref, path };
};

test('a folder is zipped once for all requests of one stamp', async (t) => {
  const { archives, opened, ref } = await begin(t);
  const files = await Promise.all([
    archives.open(ref('1')),
    archives.open(ref('1')),
    archives.open(ref('1')),
  ]);
  files.push(await archives.open(ref('1')));
  t.deepEqual(opened, ['1']);
  t.is(new Set(files.map((file) => file.etag)).size, 1);
  await Promise.all(files.map((file) => file.close()));
  await (await archives.open(ref('2'))).close();
  t.deepEqual(opened, ['1', '2']);
});

test('temporary files have no name, and memory serves where none can be written', async (t) => {
  const temporaryFolder = await scratch(t);
  const onDisk = await begin(t, { temporaryFolder });
  const inMemory = await begin(t, { temporaryFolder: join(temporaryFolder, 'missing') });
  const a = await onDisk.archives.open(onDisk.ref('1'));
  const b = await inMemory.archives.open(inMemory.ref('1'));
  t.deepEqual(await readdir(temporaryFolder), []);
  t.is(a.etag, b.etag);
  t.deepEqual(await buffer(a.stream(0, a.size - 1)), await buffer(b.stream(0, b.size - 1)));
  t.deepEqual(await buffer(a.stream(3, 7)), await buffer(b.stream(3, 7)));
  await Promise.all([a.close(), b.close()]);
});

test('an archive that had to make room is served to its end, then made anew', async (t) => {
  for (const options of [{ maxArchives: 1 }, { maxBytes: 10 }]) {
    const { archives, opened, ref } = await begin(t, options);
    const first = await archives.open(ref('1'));
    const second = await archives.open(ref('2'));
    t.is((await buffer(first.stream(0, first.size - 1))).length, first.size);
    await first.close();
    await first.close();
    await second.close();
    const again = await archives.open(ref('1'));
    t.is((await buffer(again.stream(0, again.size - 1))).length, again.size);
    t.deepEqual(opened, ['1', '2', '1']);
    await again.close();
  }
});

test('what a folder was before it changed takes no place any more, but is served to its end', async (t) => {
  const temporaryFolder = await scratch(t);
  const { archives, ref } = await begin(t, { temporaryFolder });
  const places = async (): Promise<number> => {
    const links = (await readdir('/proc/self/fd')).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ''),
    );
    return (await Promise.all(links)).filter((link) => link.startsWith(temporaryFolder)).length;
  };
  const first = await archives.open(ref('1'));
  for (const stamp of ['2', '3', '4']) {
    await (await archives.open(ref(stamp))).close();
  }
  t.is(await places(), 2, 'the one that is being sent, and the newest');
  t.is((await buffer(first.stream(0, first.size - 1))).length, first.size);
  await first.close();
  t.is(await places(), 1);
  await archives.close();
  t.is(await places(), 0);
});

test('a folder that cannot be zipped is an error, and the next request tries again', async (t) => {
  const { archives, opened, ref, path } = await begin(t);
  const broken = { ...ref('1'), path: `${path}-missing` };
  await t.throwsAsync(archives.open(broken), { code: 'FILE_UNREADABLE', message: /it is gone/ });
  await t.throwsAsync(archives.open(broken), { code: 'FILE_UNREADABLE', message: /it is gone/ });
  t.is(opened.length, 2);
});

test('many archives made at once are all served, although there is room for one', async (t) => {
  const { archives, ref } = await begin(t, { maxArchives: 1 });
  const stamps = Array.from({ length: 12 }, (_, at) => String(at % 4));
  const sizes = await Promise.all(
    stamps.map(async (stamp) => {
      const file = await archives.open(ref(stamp));
      const bytes = await buffer(file.stream(0, file.size - 1));
      await file.close();
      return bytes.length === file.size;
    }),
  );
  t.true(sizes.every(Boolean));
});
