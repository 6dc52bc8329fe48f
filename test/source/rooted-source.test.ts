import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { listRoot, type Listed } from '../../src/source/rooted-source.ts';
import type { PackageRef, SourceProblem } from '../../src/source/source.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { scratch } from '../support/scratch.ts';

/** Files below one folder of the root; `meanwhile` happens between finding them and looking at each. */
const kindOf = (meanwhile: (count: number) => Promise<void>): Listed<string> => {
  let count = 0;
  return {
    what: 'files',
    width: 1,
    find: async (root) => {
      const [folder = ''] = await readdir(root);
      const found = (await readdir(join(root, folder))).toSorted().map((name) => join(root, folder, name));
      await meanwhile(++count);
      return { found, problems: [] };
    },
    describe: async (path): Promise<PackageRef | SourceProblem> => {
      try {
        const { size } = await stat(path);
        return { kind: 'zip', path, label: path, stamp: '1', size, modifiedAt: 1 };
      } catch {
        return { path, label: path, reason: 'gone', severity: 'quarantine' };
      }
    },
  };
};

const fill = async (root: string): Promise<void> => {
  await mkdir(join(root, 'a'));
  for (const name of ['1', '2', '3']) {
    await writeFile(join(root, 'a', name), name);
  }
};

test('a folder that is renamed while it is listed is listed again, and nothing of it is in quarantine', async (t) => {
  const root = await scratch(t);
  await fill(root);
  const kind = kindOf(async (count) => (count === 1 ? rename(join(root, 'a'), join(root, 'b')) : undefined));
  const { refs, problems } = await listRoot(root, kind, createKeptLog());
  t.deepEqual(
    refs.map(({ path }) => path),
    ['1', '2', '3'].map((name) => join(root, 'b', name)),
  );
  t.deepEqual(problems, []);
});

test('what goes away at every look is not listed, and no problem', async (t) => {
  const root = await scratch(t);
  await fill(root);
  const kind = kindOf(async (count) => rm(join(root, 'a', String(count))));
  const { refs, problems } = await listRoot(root, kind, createKeptLog());
  t.deepEqual(refs, []);
  t.deepEqual(problems, []);
});
