import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rename, writeFile } from 'node:fs/promises';
import test from 'ava';
import { createThreadPool } from '../../src/threads/thread-pool.ts';
import { scratch } from '../support/scratch.ts';

/** A worker that takes a while to load, and as long as it is told for its task. */
const writeWorker = async (folder: string): Promise<URL> => {
  const path = join(folder, 'worker.mjs');
  await writeFile(
    path,
    'await new Promise((resolve) => setTimeout(resolve, 200));\n' +
      'export default (task) => new Promise((resolve) => setTimeout(resolve, task.wait, task.wait));\n',
  );
  return pathToFileURL(path);
};

test('a pool that is closed while its thread loads ends without its task, and can be used again', async (t) => {
  const pool = createThreadPool<{ readonly wait: number }, number>(await writeWorker(await scratch(t)), {
    threads: 1,
    heapMegabytes: 256,
  });
  for (let round = 0; round < 3; round += 1) {
    const task = pool.run({ wait: 60_000 });
    const refused = t.throwsAsync(task);
    await pool.close();
    await refused;
  }
  t.is(await pool.run({ wait: 1 }), 1);
  await pool.close();
  await pool.close();
});

test('a thread whose code is gone ends its tasks and nothing else; once it is there again, they run', async (t) => {
  const worker = await writeWorker(await scratch(t));
  const away = new URL('away.mjs', worker);
  const pool = createThreadPool<{ readonly wait: number }, number>(worker, {
    threads: 2,
    heapMegabytes: 256,
  });
  t.is(await pool.run({ wait: 1 }), 1);
  await pool.close();
  await rename(worker, away);
  const tasks = await Promise.allSettled([1, 2, 3].map((wait) => pool.run({ wait })));
  for (const task of tasks) {
    t.regex(
      String(task.status === 'rejected' && task.reason),
      /a thread could not be started: .*worker\.mjs/,
    );
  }
  await rename(away, worker);
  t.is(await pool.run({ wait: 2 }), 2);
  await pool.close();
});
