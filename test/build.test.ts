import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { scratch } from './support/scratch.ts';

interface Dist {
  readonly names: readonly string[];
  readonly beside: ReadonlyMap<string, string>;
}

const { writeDist } = (await import(pathToFileURL(resolve('scripts/dist.js')).href)) as {
  readonly writeDist: (dist: string, files: ReadonlyMap<string, string>, options: Dist) => void;
};

const pack = (dist: string, value: number): void =>
  writeDist(dist, new Map([['main.js', `export const value = ${value};\n`]]), {
    names: ['main.js'],
    beside: new Map([['LICENCES.txt', 'none']]),
  });

const folders = async (dist: string): Promise<string[]> =>
  (await readdir(dist, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();

test('the packs before the newest stay for servers that run from them, but not all, and npm leaves them out', async (t) => {
  const dist = await scratch(t);
  const made: string[] = [];
  for (const value of [1, 2, 3, 4]) {
    pack(dist, value);
    const added = (await folders(dist)).filter((name) => !made.includes(name));
    t.is(added.length, 1);
    made.push(...added);
    await utimes(join(dist, added[0] ?? ''), value, value);
  }
  const [, second = '', third = '', fourth = ''] = made;
  t.deepEqual(await folders(dist), [second, third, fourth].toSorted());
  t.is(await readFile(join(dist, 'main.js'), 'utf8'), `export * from './${fourth}/main.js';\n`);
  t.is(await readFile(join(dist, '.npmignore'), 'utf8'), `/${third}/\n/${second}/\n`);

  pack(dist, 2);
  t.is(await readFile(join(dist, 'main.js'), 'utf8'), `export * from './${second}/main.js';\n`);
  t.deepEqual(await folders(dist), [second, third, fourth].toSorted());
});

test('a file that is damaged is written again, one that is whole is left alone, and what is no part goes', async (t) => {
  const dist = await scratch(t);
  pack(dist, 1);
  const [folder = ''] = await folders(dist);
  await truncate(join(dist, folder, 'main.js'), 3);
  await writeFile(join(dist, 'chunk-OLD.js'), '');
  const before = await stat(join(dist, 'LICENCES.txt'));
  pack(dist, 1);
  t.is(await readFile(join(dist, folder, 'main.js'), 'utf8'), 'export const value = 1;\n');
  t.is((await stat(join(dist, 'LICENCES.txt'))).ino, before.ino);
  t.deepEqual((await readdir(dist)).toSorted(), ['.npmignore', folder, 'LICENCES.txt', 'main.js'].toSorted());
});

/** A checkout with the source of the program alone, and the libraries of this one. */
const checkout = async (t: ExecutionContext, ...names: readonly string[]): Promise<string> => {
  const folder = await scratch(t);
  for (const name of ['bin', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json', ...names]) {
    await cp(name, join(folder, name), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
};

const build = (folder: string): string => {
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/build.js')], {
    encoding: 'utf8',
  });
  return status === 0 ? stderr : `${status}: ${stderr}`;
};

test('a file that a killed compiler left half written is compiled again; a checkout that is whole is not touched', async (t) => {
  const folder = await checkout(t, 'src');
  t.is(build(folder), 'Building ...\n');
  const compiled = join(folder, 'build/src/version.js');
  const whole = await readFile(compiled, 'utf8');
  await truncate(compiled, 20);
  await rm(join(folder, 'build/.stamp'));
  t.is(build(folder), 'Building ...\n');
  t.is(await readFile(compiled, 'utf8'), whole);

  const [program] = await folders(join(folder, 'dist'));
  await rm(join(folder, 'dist', program ?? ''), { recursive: true });
  t.is(build(folder), 'Building ...\n');
  t.is(build(folder), '');
});

const work = `
  import { appendFileSync } from 'node:fs';
  const { alone } = await import(process.argv[1]);
  alone(() => {
    appendFileSync(process.argv[2], 'begin ');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    appendFileSync(process.argv[2], 'end ');
  });
`;

test('of two builds at once one waits for the other; one that was killed holds up nobody', async (t) => {
  const folder = await checkout(t);
  const log = join(folder, 'log');
  const words = ['--input-type=module', '-e', work, pathToFileURL(join(folder, 'scripts/lock.js')).href, log];
  const codes = await Promise.all(
    [1, 2, 3].map(async () => {
      const [code] = (await once(spawn(process.execPath, words), 'exit')) as [number];
      return code;
    }),
  );
  t.deepEqual(codes, [0, 0, 0]);
  t.is(await readFile(log, 'utf8'), 'begin end begin end begin end ');

  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  await writeFile(join(folder, 'build/.lock'), String(pid));
  t.is(spawnSync(process.execPath, words, { encoding: 'utf8' }).stderr, '');
  t.deepEqual(await readdir(join(folder, 'build')), []);
});

test('where nothing can be written, a build says that in two lines', async (t) => {
  const folder = await checkout(t);
  await writeFile(join(folder, 'build'), 'no folder');
  const said = build(folder);
  t.regex(
    said,
    /^1: The program has to be installed and built first, and .* can't be written \(EEXIST\)\.\nRun .*\n$/,
  );
  t.true(said.includes(folder));
});
