import childProcess from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { createJudgePool, type JudgeOptions, type JudgePoolOptions } from '../../src/judge/pool.ts';
import { errnoOf } from '../../src/domain/system-error.ts';
import type { JudgedPackage } from '../../src/judge/task.ts';
import { findZip } from '../../src/source/zip-folder.ts';
import type { PackageRef } from '../../src/source/source.ts';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

const rules = {
  limits: {
    maxEntries: 1000,
    maxEntryBytes: 2 ** 26,
    maxTotalBytes: 2 ** 28,
    maxRatio: 1100,
    maxManifestBytes: 2 ** 26,
  },
  validate: true,
  signatures: { policy: 'off', foreign: 'serve', keys: [], kibanaKey: '' },
} as const;

const refsIn = async (folder: string): Promise<PackageRef[]> => {
  const names = (await readdir(folder)).toSorted();
  const found = await Promise.all(names.map((name) => findZip(join(folder, name))));
  return found.filter((ref) => 'stamp' in ref);
};

const judgeAll = async (
  folder: string,
  sizes: JudgePoolOptions,
  options?: JudgeOptions,
): Promise<ReadonlyMap<string, JudgedPackage>> => {
  const judged = new Map<string, JudgedPackage>();
  const candidates = (await refsIn(folder)).map((ref) => ({ ref, digest: undefined }));
  await createJudgePool(sizes).judge(
    candidates,
    rules,
    (ref, one) => void judged.set(ref.label, one),
    options,
  );
  return judged;
};

/** Processes that read packages for these tests now; the other test files of this process may have their own. */
const readers = async (): Promise<number[]> => {
  // A process is the child of the thread that has started it, which is the one that asks here.
  const list = await readFile(join('/proc', readlinkSync('/proc/thread-self'), 'children'), 'utf8');
  const found: number[] = [];
  for (const pid of list.split(/\s+/).filter((word) => word !== '')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('reader.js')) {
      found.push(Number(pid));
    }
  }
  return found;
};

const fill = async (t: ExecutionContext, count: number): Promise<string> => {
  const folder = await scratch(t);
  for (let patch = 0; patch < count; patch++) {
    await writeZipPackage(folder, { name: 'demo', version: `1.0.${patch}` });
  }
  return folder;
};

test.serial('every package is judged once, by several readers, and none of them is left', async (t) => {
  const folder = await fill(t, 40);
  const judged = await judgeAll(folder, { readers: 3 });
  t.is(judged.size, 40);
  for (const [label, { found, reasons }] of judged) {
    t.deepEqual(reasons, [], label);
    t.is(`demo-${found?.record.version}.zip`, label);
  }
  t.deepEqual(await readers(), []);
});

test.serial(
  'a package that needs more memory than a reader has is refused, the others are not',
  async (t) => {
    const folder = await fill(t, 6);
    // Half a gigabyte when it is parsed.
    const nested = `name: huge\nmany: [${'[[a]],'.repeat(6_000_000)}]\n`;
    await writeZipPackage(folder, { name: 'huge', files: { 'manifest.yml': nested } });
    const judged = await judgeAll(folder, { readers: 1, heapMegabytes: 64 });
    t.is(judged.size, 7);
    const { found, reasons } = judged.get('huge-1.0.0.zip') ?? {};
    t.is(found, undefined);
    t.deepEqual(reasons, ['reading it failed: it needs more memory than a reader may have']);
    t.is([...judged.values()].filter((one) => one.found).length, 6);
  },
);

test.serial('what takes too long is refused', async (t) => {
  const folder = await scratch(t);
  const long = `name: long\nmany: [${'[[a]],'.repeat(300_000)}]\n`;
  for (const name of ['one', 'two']) {
    await writeZipPackage(folder, { name, files: { 'manifest.yml': long } });
  }
  const judged = await judgeAll(folder, { readers: 1, timeout: 1 });
  t.is(judged.size, 2);
  for (const { reasons } of judged.values()) {
    t.deepEqual(reasons, ['reading it failed: it takes too long to read']);
  }
  t.deepEqual(await readers(), []);
});

test.serial('a reader that is killed is replaced, and nothing that it had is lost', async (t) => {
  const folder = await fill(t, 200);
  const work = judgeAll(folder, { readers: 1 });
  await eventually('a reader runs', async () => (await readers()).length === 1);
  const [pid = 0] = await readers();
  process.kill(pid, 'SIGKILL');
  const judged = await work;
  t.is([...judged.values()].filter(({ found }) => found).length, 200);
});

test.serial('a reader takes no signal of the terminal for its own', async (t) => {
  const folder = await fill(t, 200);
  const work = judgeAll(folder, { readers: 1 });
  await eventually('a reader runs', async () => (await readers()).length === 1);
  for (const pid of await readers()) {
    process.kill(pid, 'SIGINT');
  }
  t.is([...(await work).values()].filter(({ found }) => found).length, 200);
});

test.serial('readers end when the work is called off, and what is not judged is not reported', async (t) => {
  const folder = await fill(t, 40);
  const stop = new AbortController();
  const judged = new Set<string>();
  const candidates = (await refsIn(folder)).map((ref) => ({ ref, digest: undefined }));
  const report = (ref: PackageRef): void => {
    judged.add(ref.label);
    stop.abort();
  };
  await createJudgePool({ readers: 2 }).judge(candidates, rules, report, { signal: stop.signal });
  t.is(judged.size, 1);
  t.deepEqual(await readers(), []);
});

test.serial('while something is served, readers let everything else go first', async (t) => {
  const folder = await fill(t, 200);
  const work = judgeAll(folder, { readers: 2 }, { isGentle: true });
  await eventually('a reader runs', async () => (await readers()).length === 1);
  const [pid = 0] = await readers();
  t.is(getPriority(pid), 10);
  t.is((await work).size, 200);
});

test.serial('where no process can be started, no package is blamed for it', async (t) => {
  const folder = await fill(t, 2);
  const { execPath } = process;
  process.execPath = join(folder, 'missing');
  try {
    const error = await t.throwsAsync(judgeAll(folder, { readers: 1 }), { code: 'READER_NOT_STARTED' });
    t.is(errnoOf(error?.cause), 'ENOENT');
    t.regex(error?.message ?? '', /\/missing: there is no such file or folder$/);
  } finally {
    process.execPath = execPath;
  }
});

test.serial(
  'looks without anything new leave nothing behind on a signal that lives as long as the server',
  async (t) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { signal } = new AbortController();
    const pool = createJudgePool({ readers: 1 });
    const look = async (times: number): Promise<number> => {
      for (let count = 0; count < times; count += 1) {
        await pool.judge([], rules, () => undefined, { signal });
      }
      // What weak references lead to stays until the turn is over.
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await look(1000);
    const grown = (await look(30_000)) - before;
    t.true(grown < 300_000, `${grown} bytes after 30,000 looks`);
  },
);

test.serial('a program that cannot become a reader is no fault of the packages', async (t) => {
  const candidates = (await refsIn(await fill(t, 20))).map((ref) => ({ ref, digest: undefined }));
  // What the kernel answers where a process may not be started, as above the pids limit of a container.
  const { fork } = childProcess;
  const broken = (): never => {
    throw Object.assign(new Error('spawn EAGAIN'), { code: 'EAGAIN' });
  };
  const patch = (by: typeof fork): void => {
    Object.assign(childProcess, { fork: by });
    syncBuiltinESMExports();
  };
  t.teardown(() => patch(fork));
  let reported = 0;
  const judge = (): Promise<void> =>
    createJudgePool({ readers: 2 }).judge(
      candidates,
      rules,
      (_, { found }) => void (reported += found ? 1 : 0),
    );
  patch(broken);
  await t.throwsAsync(judge(), {
    code: 'READER_NOT_STARTED',
    message: /no further process or thread \(the pids limit/,
  });
  t.is(reported, 0);
  // The first can be started, all others can't.
  let forks = 0;
  patch(((...words: Parameters<typeof fork>) => (forks++ === 0 ? fork(...words) : broken())) as typeof fork);
  await judge();
  t.is(reported, 20, 'those that can be started do all');
});

test.serial('a reader that ends before it is ready is tried once more, and then told', async (t) => {
  const candidates = (await refsIn(await fill(t, 2))).map((ref) => ({ ref, digest: undefined }));
  const { fork } = childProcess;
  const patch = (by: typeof fork): void => {
    Object.assign(childProcess, { fork: by });
    syncBuiltinESMExports();
  };
  t.teardown(() => patch(fork));
  patch(((...words: Parameters<typeof fork>) => {
    const child = fork(...words);
    // As Node ends itself where the system refuses its threads.
    child.kill('SIGABRT');
    return child;
  }) as typeof fork);
  await t.throwsAsync(
    createJudgePool({ readers: 1 }).judge(candidates, rules, () => t.fail('nothing is known of any package')),
    { code: 'READER_NOT_STARTED', message: /it ended with SIGABRT before it was ready/ },
  );
});
