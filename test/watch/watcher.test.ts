import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { createWatcher, type WatcherOptions } from '../../src/watch/watcher.ts';
import { eventually } from '../support/eventually.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { scratch } from '../support/scratch.ts';

/** A watcher that counts its looks. */
const watching = (paths: readonly string[], options: Partial<WatcherOptions> = {}) => {
  const counts = { looks: 0 };
  const watcher = createWatcher({
    paths,
    notify: true,
    pollInterval: 0,
    log: createKeptLog(),
    refresh: async () => void counts.looks++,
    ...options,
  });
  return { counts, watcher };
};

/** The number of looks once none has come for a while. */
const calm = async (counts: { readonly looks: number }): Promise<number> => {
  let before = -1;
  while (before !== counts.looks) {
    before = counts.looks;
    await setTimeout(1200);
  }
  return before;
};

test('a burst of changes is few looks, and what happens beside the package path is none', async (t) => {
  const base = await scratch(t);
  const path = join(base, 'packages');
  await mkdir(path);
  const { counts, watcher } = watching([path]);
  t.teardown(() => watcher.close());
  t.is(await calm(counts), 1, 'one look follows the first watching');
  await writeFile(join(base, 'beside'), '');
  t.is(await calm(counts), 1);
  for (let at = 0; at < 300; at++) {
    await writeFile(join(path, `${at}.zip`), '');
  }
  const looks = await calm(counts);
  t.true(looks > 1 && looks < 30, `${looks} looks`);
});

test('a package path that is made later is noticed, however much of it was missing', async (t) => {
  const base = await scratch(t);
  const { counts, watcher } = watching([join(base, 'mount', 'deep', 'packages')]);
  t.teardown(() => watcher.close());
  const before = await calm(counts);
  await mkdir(join(base, 'staged', 'deep', 'packages'), { recursive: true });
  await rename(join(base, 'staged'), join(base, 'mount'));
  await eventually('a look', () => counts.looks > before);
  const there = await calm(counts);
  await writeFile(join(base, 'mount', 'deep', 'packages', 'one.zip'), '');
  await eventually('a look at the new file', () => counts.looks > there);
  t.pass();
});

test('a look that fails ends nothing: the clock and the next change look again', async (t) => {
  const path = await scratch(t);
  const counts = { looks: 0 };
  const refresh = (): Promise<never> => {
    counts.looks++;
    return Promise.reject(new Error('the disk is gone'));
  };
  const { watcher } = watching([path], { notify: false, pollInterval: 50, refresh });
  t.teardown(() => watcher.close());
  await eventually('several looks', () => counts.looks > 4);
  t.pass();
});

test('a closed watcher looks no more, also when it was closed while it began', async (t) => {
  const path = await scratch(t);
  const early = watching([path]);
  early.watcher.close();
  const late = watching([path], { pollInterval: 100 });
  await eventually('a look', () => late.counts.looks > 0);
  late.watcher.close();
  const looks = await calm(late.counts);
  await writeFile(join(path, 'one.zip'), '');
  t.is(await calm(late.counts), looks);
  t.is(early.counts.looks, 0);
});
