import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { scratch } from '../support/scratch.ts';

/** What a fresh checkout has that `npm start` needs before anything is installed. */
const checkout = async (t: ExecutionContext): Promise<string> => {
  const folder = await scratch(t);
  for (const name of ['bin', 'scripts', 'package.json', 'package-lock.json', '.npmrc']) {
    cpSync(name, path.join(folder, name), { recursive: true });
  }
  return folder;
};

const start = (
  folder: string,
  script: string,
  env: NodeJS.ProcessEnv = {},
): { readonly status: number | null; readonly said: string } => {
  const { npm_execpath: _npm, ...rest } = process.env;
  const result = spawnSync(process.execPath, [path.join(folder, script)], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...rest, ...env },
  });
  return { status: result.status, said: `${result.stdout}${result.stderr}` };
};

test('a first start without a network ends soon, and says what can be done', async (t) => {
  const folder = await checkout(t);
  const { status, said } = start(folder, 'scripts/start.js', {
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_cache: path.join(folder, 'empty-cache'),
    npm_config_proxy: '',
    npm_config_https_proxy: '',
  });
  t.is(status, 1, said);
  t.regex(said, /127\.0\.0\.1 can't be reached \(ECONNREFUSED\)/);
  t.regex(said, /^npm ci failed/m);
  for (const way of ['npm config set proxy', 'npm config set registry', 'npm ci && npm run build']) {
    t.true(said.includes(way), way);
  }
});

for (const script of ['scripts/start.js', 'bin/fleet-depot.js']) {
  test(`${script} tells an old Node what is wanted`, async (t) => {
    const folder = await checkout(t);
    const description = JSON.parse(readFileSync('package.json', 'utf8')) as object;
    writeFileSync(
      path.join(folder, 'package.json'),
      JSON.stringify({ ...description, engines: { node: '>=99.1' } }),
    );
    const { status, said } = start(folder, script);
    t.is(status, 1);
    t.regex(said, /needs Node 99\.1 or newer/);
    t.true(said.includes(process.versions.node));
    t.notRegex(said, /^\s+at /m);
  });
}

test('the scripts that start everything can be read by an old Node', (t) => {
  for (const file of [
    'bin/fleet-depot.js',
    'scripts/start.js',
    'scripts/prepare.js',
    'scripts/dependencies.js',
  ]) {
    const code = readFileSync(file, 'utf8').replaceAll(/\/\/.*|\/\*[^]*?\*\/|'[^'\n]*'|"[^"\n]*"/g, '');
    t.notRegex(code, /\?\.|\?\?|\bawait\b|from 'node:|\.at\(|replaceAll|structuredClone/, file);
  }
});
