import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
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

/** This process' variables without those that say where npm is and how it goes out. */
const plainEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_execpath$|proxy$/i.test(name)));

const start = (
  folder: string,
  script: string,
  env: NodeJS.ProcessEnv = {},
): { readonly status: number | null; readonly said: string } => {
  const result = spawnSync(process.execPath, [path.join(folder, script)], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...plainEnv(), ...env },
  });
  return { status: result.status, said: `${result.stdout}${result.stderr}` };
};

test('a first start without a network ends soon, and says what can be done', async (t) => {
  const folder = await checkout(t);
  const { status, said } = start(folder, 'scripts/start.js', {
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_cache: path.join(folder, 'empty-cache'),
  });
  t.is(status, 1, said);
  t.regex(said, /127\.0\.0\.1 can't be reached \(ECONNREFUSED\)/);
  t.regex(said, /^npm ci failed/m);
  for (const way of ['npm config set proxy', 'npm config set registry', 'npm ci && npm run build']) {
    t.true(said.includes(way), way);
  }
});

for (const name of ['HTTPS_PROXY', 'https_proxy', 'npm_config_https_proxy']) {
  test(`a first start goes out through the proxy of ${name}, though the registry itself can't be reached`, async (t) => {
    const folder = await checkout(t);
    const proxy = createServer();
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => proxy.close());
    const asked = new Promise<string>((resolve) => {
      proxy.on('connection', (socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (bytes) => resolve(bytes.toString('latin1').split('\r\n')[0] ?? ''));
      });
    });
    const started = spawn(process.execPath, [path.join(folder, 'scripts/start.js')], {
      cwd: folder,
      // A group of its own: npm is a process of the process.
      detached: true,
      env: {
        ...plainEnv(),
        npm_config_registry: 'https://registry.invalid/',
        npm_config_cache: path.join(folder, 'empty-cache'),
        [name]: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      },
    });
    const said = text(started.stderr);
    const line = await Promise.race([asked, said]);
    process.kill(-(started.pid ?? 0), 'SIGKILL');
    t.is(line, 'CONNECT registry.invalid:443 HTTP/1.1');
    t.notRegex(await said, /can't be reached/);
  });
}

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
    'scripts/lock.js',
    'scripts/ready.js',
  ]) {
    const code = readFileSync(file, 'utf8').replaceAll(/\/\/.*|\/\*[^]*?\*\/|'[^'\n]*'|"[^"\n]*"/g, '');
    t.notRegex(code, /\?\.|\?\?|\bawait\b|from 'node:|\.at\(|replaceAll|structuredClone/, file);
  }
});
