import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { openOrCreateDepot, type Depot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import type { LinkFile } from '../../src/depot/snapshot-folder.ts';
import { scratch } from '../support/scratch.ts';

const bytes = Buffer.from('an archive\n'.repeat(1000));
const expected = { sha256: digestOf(bytes), size: bytes.length };
const fail = (reason: string): Error => new Error(reason);

const setUp = async (t: ExecutionContext, linkFile?: LinkFile): Promise<{ depot: Depot; file: string }> => {
  const folder = await scratch(t);
  const environment = { clock: () => new Date(), user: () => 'alice', ...(linkFile ? { linkFile } : {}) };
  const depot = await openOrCreateDepot(join(folder, 'depot'), environment);
  const file = join(folder, 'archive.zip');
  await writeFile(file, bytes);
  return { depot, file };
};

test('a file becomes a content without being copied, and read-only', async (t) => {
  const { depot, file } = await setUp(t);
  const intake = depot.content.intake();
  await intake.takeFile(expected, file, fail);
  await intake.finish();
  const [before, after] = await Promise.all([stat(file), stat(depot.layout.contentFile(expected.sha256))]);
  t.is(after.ino, before.ino);
  t.is(after.mode & 0o777, 0o444);
  t.is(await depot.content.check(expected), 'whole');
});

test('where hard links can not be had the file is copied', async (t) => {
  const { depot, file } = await setUp(t, () =>
    Promise.reject(Object.assign(new Error('no links'), { code: 'EXDEV' })),
  );
  const intake = depot.content.intake();
  await intake.takeFile(expected, file, fail);
  await intake.finish();
  const content = depot.layout.contentFile(expected.sha256);
  t.deepEqual(await readFile(content), bytes);
  t.not((await stat(content)).ino, (await stat(file)).ino);
});

test('a file with other bytes than expected is refused and leaves nothing', async (t) => {
  const { depot, file } = await setUp(t);
  await writeFile(file, Buffer.from(bytes).fill(0x20, 5000, 5001));
  const intake = depot.content.intake();
  await t.throwsAsync(intake.takeFile(expected, file, fail), { message: /its SHA-256 is/ });
  await intake.finish();
  t.is(await depot.content.check(expected), 'absent');
  t.deepEqual(await depot.content.list(), []);
  t.is((await stat(file)).nlink, 1);
});
