import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { sharedFolder } from '../support/shared.ts';
import { lookBy, startRegistry } from './registry.ts';

const run = promisify(execFile);

test('answers stay those of the reference with caches filled and after reloads', async (t) => {
  const [unpack, cases, runner] = [
    sharedFolder('corpus', 'unpack'),
    sharedFolder('golden', 'modern'),
    sharedFolder('conformance', 'run'),
  ];
  if (!unpack || !cases || !runner) {
    t.log('skipped: the shared reference material is not beside the repository');
    t.pass();
    return;
  }
  const folder = join(await scratch(t), 'modern');
  await run(unpack, ['modern', folder]);
  const registry = await startRegistry(t, { packagePaths: [folder], flags: lookBy.nothing });
  const conform = async (when: string): Promise<void> => {
    const { stdout } = await run(runner, [registry.url, cases], { maxBuffer: 1 << 26 }).catch(
      (error: { stdout: string }) => error,
    );
    t.regex(
      stdout.trim().split('\n').at(-1) ?? '',
      /^\d+ passed, 0 failed$/,
      `${when}\n${stdout.slice(-2000)}`,
    );
  };
  await conform('with empty caches');
  await conform('with filled caches');
  // A package more and a package less: two new snapshots, the last with the content of the first.
  const before = (await registry.health()).generation;
  const added = await writeZipPackage(folder, { name: 'passing_by' });
  await registry.app.refresh();
  t.deepEqual(await registry.versions('passing_by'), ['1.0.0']);
  await run('rm', [added]);
  await registry.app.refresh();
  await eventually('it is gone', async () => (await registry.versions('passing_by')).length === 0);
  t.true((await registry.health()).generation >= before + 2);
  await conform('after reloads');
});
