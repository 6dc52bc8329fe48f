import { renameSync } from 'node:fs';
import { readdir, rename, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createIndexStore, type IndexStore } from '../../src/index/store.ts';
import { createJudgePool, type JudgePool } from '../../src/judge/pool.ts';
import type { JudgeRules } from '../../src/judge/task.ts';
import { createPackageSources } from '../../src/source/combined.ts';
import { eventually } from '../support/eventually.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const anyPackage: JudgeRules = {
  limits: testLimits,
  validate: true,
  signatures: { policy: 'off', foreign: 'hide', keys: [], kibanaKey: '' },
};

/** Notes what each snapshot has; `meanwhile` happens after each listing, before what is new is read. */
const createStore = (
  path: string,
  shown: string[],
  meanwhile: () => Promise<void>,
  pool = createJudgePool({ readers: 1 }),
): IndexStore => {
  return createIndexStore({
    source: createPackageSources([path], testLimits, createKeptLog()),
    pool: {
      judge: async (...args) => {
        await meanwhile();
        return pool.judge(...args);
      },
    },
    rules: anyPackage,
    log: createKeptLog(),
    cache: undefined,
    serveWhileIndexing: false,
    onSwap: ({ packages }) => {
      shown.push(
        packages
          .map(({ record }) => `${record.name} ${record.version}`)
          .toSorted()
          .join(),
      );
    },
    onLook: () => undefined,
    onProgress: () => undefined,
  });
};

test('a package that the disk could not read is tried again at each look, though its file is the same', async (t) => {
  const folder = await scratch(t);
  await writeZipPackage(folder, { name: 'one' });
  await writeZipPackage(folder, { name: 'two' });
  // Left alone for long: nothing but the disk is to blame.
  const old = new Date(Date.now() - 3_600_000);
  await Promise.all((await readdir(folder)).map((name) => utimes(join(folder, name), old, old)));
  const pool = createJudgePool({ readers: 1 });
  let isBroken = true;
  const judged: number[] = [];
  const saved: number[] = [];
  const log = createKeptLog();
  const store = createIndexStore({
    source: createPackageSources([folder], testLimits, createKeptLog()),
    pool: {
      judge: (candidates, asked, onJudged, options) => {
        judged.push(candidates.length);
        const answer: typeof onJudged = (ref, result) =>
          onJudged(
            ref,
            isBroken && ref.path.includes('one')
              ? {
                  isSame: false,
                  isUnread: true,
                  digest: undefined,
                  found: undefined,
                  reasons: ['no'],
                  warnings: [],
                }
              : result,
          );
        return pool.judge(candidates, asked, answer, options);
      },
    },
    rules: anyPackage,
    log,
    cache: {
      file: '',
      read: () => Promise.resolve({ problem: 'none', kind: 'absent' }),
      load: () => Promise.resolve(undefined),
      save: (known) => Promise.resolve(saved.push(known.size) > 0),
      clear: () => Promise.resolve(false),
    },
    serveWhileIndexing: false,
    onSwap: () => undefined,
    onLook: () => undefined,
    onProgress: () => undefined,
  });
  t.teardown(() => store.close());
  const first = await store.refresh();
  t.is(first.packages.length, 1);
  await store.flush();
  t.is(await store.refresh(), first, 'nothing is new');
  await store.flush();
  t.deepEqual([judged, saved.length], [[2, 1], 1], 'what stays as it was is not written again');
  isBroken = false;
  t.is((await store.refresh()).packages.length, 2);
  await store.refresh();
  t.deepEqual(judged, [2, 1, 1, 0]);
  t.is(log.lines.filter(({ level }) => level === 'warn').length, 1, 'a fault that stays is said once');
});

test('a depot that is switched while its packages are read is never shown in parts', async (t) => {
  const root = await scratch(t);
  const current = join(root, 'current');
  await writeZipPackage(join(root, 'old'), { name: 'one' });
  await writeZipPackage(join(root, 'old'), { name: 'two' });
  for (const name of ['one', 'three', 'four']) {
    await writeZipPackage(join(root, 'new'), { name, version: '2.0.0' });
  }
  await symlink('old', current);
  const switchTo = async (place: string): Promise<void> => {
    await symlink(place, join(root, 'next'));
    renameSync(join(root, 'next'), current);
  };
  let isRolledBack = false;
  const shown: string[] = [];
  const store = createStore(current, shown, async () => {
    if (shown.length > 0 && !isRolledBack) {
      isRolledBack = true;
      await switchTo('old');
    }
  });
  t.teardown(() => store.close());
  await store.refresh();
  await switchTo('new');
  await store.refresh();
  t.true(isRolledBack);
  await switchTo('new');
  await store.refresh();
  t.deepEqual([...new Set(shown)], ['one 1.0.0,two 1.0.0', 'four 2.0.0,one 2.0.0,three 2.0.0']);
});

test('a folder that is renamed while its packages are read is never shown in parts', async (t) => {
  const root = await scratch(t);
  for (const name of ['one', 'two', 'three']) {
    await writeZipPackage(join(root, 'a'), { name });
  }
  const shown: string[] = [];
  const renames = ['a b', 'b c', 'c d'].values();
  const store = createStore(root, shown, async () => {
    const [from = '', to = ''] = shown.length > 0 ? (renames.next().value ?? '').split(' ') : [];
    if (from !== '') {
      await rename(join(root, from), join(root, to));
    }
  });
  t.teardown(() => store.close());
  await store.refresh();
  await writeZipPackage(join(root, 'a'), { name: 'four' });
  await store.refresh();
  t.deepEqual(await readdir(root), ['d']);
  t.deepEqual(shown, ['one 1.0.0,three 1.0.0,two 1.0.0', 'four 1.0.0,one 1.0.0,three 1.0.0,two 1.0.0']);
});

test('a package whose signature ends is judged anew at that moment, though nothing changes and nobody asks', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, { name: 'ending' });
  await writeZipPackage(root, { name: 'lasting' });
  const pool = createJudgePool({ readers: 1 });
  const judged: string[] = [];
  /** Good until a moment after it was judged first, and never again. */
  const endingPool: JudgePool = {
    judge: (candidates, rules, report, options) =>
      pool.judge(
        candidates,
        rules,
        (ref, found) => {
          const isEnding = ref.path.includes('ending');
          const isFirst = !judged.includes(ref.path);
          judged.push(ref.path);
          const ended = {
            ...found,
            isSame: false,
            found: undefined,
            digest: undefined,
            reasons: ['the signature has ended'],
          };
          report(ref, isEnding ? (isFirst ? { ...found, until: Date.now() + 500 } : ended) : found);
        },
        options,
      ),
  };
  const shown: string[] = [];
  const store = createStore(root, shown, () => Promise.resolve(), endingPool);
  t.teardown(() => store.close());
  await store.refresh();
  await eventually('the ended one is in quarantine', () => store.state().snapshot?.quarantine.length === 1);
  t.deepEqual(shown, ['ending 1.0.0,lasting 1.0.0', 'lasting 1.0.0']);
  t.deepEqual(store.state().snapshot?.quarantine[0]?.reasons, ['the signature has ended']);
});
