import { renameSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createIndexStore } from '../../src/index/store.ts';
import { createJudgePool } from '../../src/judge/pool.ts';
import { createPackageSources } from '../../src/source/combined.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

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
  const pool = createJudgePool({ readers: 1 });
  let isRolledBack = false;
  const shown: string[] = [];
  const store = createIndexStore({
    source: createPackageSources([current], testLimits, createKeptLog()),
    pool: {
      judge: async (...args) => {
        if (shown.length > 0 && !isRolledBack) {
          isRolledBack = true;
          await switchTo('old');
        }
        return pool.judge(...args);
      },
    },
    rules: {
      limits: testLimits,
      validate: true,
      signatures: { policy: 'off', foreign: 'hide', keys: [], kibanaKey: '' },
    },
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
  t.teardown(() => store.close());
  await store.refresh();
  await switchTo('new');
  await store.refresh();
  t.true(isRolledBack);
  await switchTo('new');
  await store.refresh();
  t.deepEqual([...new Set(shown)], ['one 1.0.0,two 1.0.0', 'four 2.0.0,one 2.0.0,three 2.0.0']);
});
