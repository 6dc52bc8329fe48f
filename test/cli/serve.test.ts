import { execFileSync, spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { selfSigned } from '../support/certificates.ts';
import { runCommand, startServer } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { freePort } from '../support/tls-proxy.ts';

test('flags without a verb start the server, SIGTERM ends it with 0', async (t) => {
  const server = await startServer(t, ['-log-type', 'dev'], { cwd: await scratch(t) });
  t.is((await fetch(`${server.url}/health`)).status, 200);
  server.signal('SIGTERM');
  t.is(await server.closed, 0);
  t.regex(server.log(), /stopping[^]*stopped/);
});

test('SIGHUP reads what changed at once', async (t) => {
  const folder = await scratch(t);
  const words = ['-package-paths', folder, '-poll-interval', '0s', '-package-paths-enable-watcher=false'];
  const server = await startServer(
    t,
    [...words, '-require-package-signatures=false', '-cache-dir', join(folder, '.cache')],
    { cwd: folder },
  );
  await writeZipPackage(folder);
  server.signal('SIGHUP');
  await eventually('the package is served', async () => {
    const found = (await (await fetch(`${server.url}/search`)).json()) as unknown[];
    return found.length === 1;
  });
  t.regex(server.log(), /SIGHUP: looking at the package paths/);
  server.signal('SIGTERM');
  t.is(await server.closed, 0);
});

for (const workers of ['1', '2']) {
  test(`a server of ${workers} whose log nobody reads goes on, and counts what it drops`, async (t) => {
    const folder = await scratch(t);
    const metrics = await freePort();
    const words = ['-workers', workers, '-metrics-address', `localhost:${metrics}`];
    const server = await startServer(t, words, { cwd: folder });
    server.stopReading();
    const path = `/search?x=${'long'.repeat(3000)}`;
    const dropped = async (): Promise<number> => {
      const text = await (await fetch(`http://localhost:${metrics}/metrics`)).text();
      return Number(/^fleet_depot_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
    };
    // The address of metrics is opened right after the one that the server is known by.
    await eventually('nothing is dropped yet', async () => (await dropped().catch(() => -1)) === 0);
    // Each line of the log is 12 KB: these fill the pipe and what is kept.
    for (let count = 0; count < 500; count += 1) {
      await (await fetch(`${server.url}${path}`)).arrayBuffer();
    }
    t.true((await dropped()) > 0);
    server.signal('SIGTERM');
    t.is(await server.ended, 0);
  });
}

test('over TLS the health verb trusts the configured certificate and no other', async (t) => {
  const folder = await scratch(t);
  const [own, other] = [await selfSigned(folder, 'own'), await selfSigned(folder, 'other')];
  const env = { EPR_TLS_CERT: own.cert, EPR_TLS_KEY: own.key };
  const server = await startServer(t, ['serve'], { env, cwd: folder });
  t.true(server.url.startsWith('https://'));
  t.is(server.log().match(/TLS 1\.0 is accepted/g)?.length, 1, 'one warning at start');
  const address = { EPR_ADDRESS: new URL(server.url).host };
  const good = await runCommand(['health'], { env: { ...env, ...address } });
  t.deepEqual([good.code, good.stderr], [0, '']);
  t.regex(good.stdout, /^ready: /);
  const bad = await runCommand(['health'], {
    env: { ...address, EPR_TLS_CERT: other.cert, EPR_TLS_KEY: other.key },
  });
  t.is(bad.code, 1);
  t.regex(bad.stderr, /shows another certificate than the configured one/);
  t.is((await runCommand(['health', server.url])).code, 1, 'a self-signed one that nobody configured');
  t.is((await runCommand(['health', server.url], { env })).code, 0);
});

test('a key that root owns and a group of the process reads, as Kubernetes mounts a secret, is taken', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can run the server as another user');
    t.pass();
    return;
  }
  const folder = await scratch(t);
  const { cert, key } = await selfSigned(folder, 'own');
  const user = 54_321;
  await chmod(folder, 0o755);
  await chown(key, 0, user);
  await chmod(key, 0o440);
  const env = { EPR_TLS_CERT: cert, EPR_TLS_KEY: key, EPR_CACHE_DIR: join(folder, 'none') };
  const server = await startServer(t, ['serve'], { env, cwd: folder, user });
  const health = await runCommand(['health'], { env: { ...env, EPR_ADDRESS: new URL(server.url).host } });
  t.deepEqual([health.code, health.stderr], [0, '']);
});

test('a renewal that went wrong leaves server and health as they were', async (t) => {
  const folder = await scratch(t);
  const [own, other] = [await selfSigned(folder, 'own'), await selfSigned(folder, 'other')];
  const env = { EPR_TLS_CERT: own.cert, EPR_TLS_KEY: own.key };
  const server = await startServer(t, ['serve', '-tls-min-version=1.2'], { env, cwd: folder });
  const ask = (): ReturnType<typeof runCommand> =>
    runCommand(['health'], { env: { ...env, EPR_ADDRESS: new URL(server.url).host } });
  t.deepEqual((await ask()).stderr, '');
  await copyFile(other.cert, own.cert);
  const half = await ask();
  t.is(half.code, 0, half.stderr);
  t.regex(half.stdout, /^ready: /);
  t.regex(
    half.stderr,
    /^note: the server goes on with an earlier certificate: .*\(EPR_TLS_KEY\): .*does not belong to/,
  );
  await rm(own.cert);
  t.is((await ask()).code, 0);
});

test('TLS that cannot be had ends the start with 2 and one line, never with plain HTTP', async (t) => {
  const folder = await scratch(t);
  const files = await selfSigned(folder, 'depot');
  await rm(files.key);
  const { code, stderr } = await runCommand(
    [
      'serve',
      '-tls-cert',
      files.cert,
      '-tls-key',
      files.key,
      '-tls-min-version=1.2',
      '-address',
      'localhost:0',
    ],
    { cwd: folder },
  );
  t.is(code, 2);
  t.regex(stderr, /^error: -tls-key \(EPR_TLS_KEY\): .*cannot be read: there is no such file or folder\n$/m);
  t.notRegex(stderr, /serving/);
});

test('a taken address ends the start with 1 and one line that names flag and variable', async (t) => {
  const folder = await scratch(t);
  const server = await startServer(t, ['serve'], { cwd: folder });
  const { code, stderr } = await runCommand(['serve', '-address', new URL(server.url).host], { cwd: folder });
  t.is(code, 1);
  t.regex(
    stderr,
    /^error: -address \(EPR_ADDRESS\): cannot listen on localhost:\d+: another program listens there$/m,
  );
});

test('a dry run ends by itself, without listening, and says what would be served', async (t) => {
  const { code, stdout } = await runCommand(['serve', '-dry-run', '-address', '192.0.2.1:1'], {
    cwd: await scratch(t),
  });
  t.is(code, 0);
  t.is(stdout, '0 package versions would be served, 0 are in quarantine\n');
});

test('health says which of http and https a port wants', async (t) => {
  const folder = await scratch(t);
  const { cert, key } = await selfSigned(folder, 'own');
  const plain = await startServer(t, ['serve'], { cwd: folder });
  const tls = await startServer(t, ['serve'], { cwd: folder, env: { EPR_TLS_CERT: cert, EPR_TLS_KEY: key } });
  const wrong = await runCommand(['health', plain.url.replace('http:', 'https:')]);
  t.is(wrong.code, 1);
  t.regex(wrong.stderr, /^error: .*: it does not speak TLS there; is it http:\/\/ or another port\?$/m);
  const bare = await runCommand(['health', tls.url.replace('https:', 'http:')]);
  t.is(bare.code, 1);
  t.regex(bare.stderr, /is it https:\/\/\?$/m);
});

test('no server is exit 1 of health, a strange address exit 2', async (t) => {
  const dead = await runCommand(['health', 'http://127.0.0.1:1']);
  t.is(dead.code, 1);
  t.regex(dead.stderr, /^error: http:\/\/127\.0\.0\.1:1\/health: the connection was refused$/m);
  t.is((await runCommand(['health', 'depot'])).code, 2);
  t.is((await runCommand(['health', '--timeout', 'soon'])).code, 2);
});

test('where the system allows no further process the server says so and goes on, and no package is blamed', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can run the server as another user, whose processes are counted');
    t.pass();
    return;
  }
  const folder = await scratch(t);
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'packages'));
  await writeZipPackage(join(folder, 'packages'), { name: 'demo' });
  const user = 54_322;
  const words = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', process.execPath];
  const child = spawn(
    'setpriv',
    [
      ...words,
      `${process.cwd()}/bin/fleet-depot.js`,
      'serve',
      '-address=localhost:0',
      '-require-package-signatures=false',
      `-package-paths=${join(folder, 'packages')}`,
    ],
    { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => (log += bytes.toString()));
  const prlimit = (...more: readonly string[]): string =>
    execFileSync('prlimit', ['--pid', `${child.pid}`, ...more], { uid: user, gid: user })
      .toString()
      .trim();
  await eventually('it listens', () => /http:\/\/localhost:\d+/.test(log));
  const url = /http:\/\/localhost:\d+/.exec(log)?.[0] ?? '';
  const health = async (): Promise<{ status: string; versions: number; quarantined: number }> =>
    (await fetch(`${url}/health`)).json() as Promise<{
      status: string;
      versions: number;
      quarantined: number;
    }>;
  await eventually('it serves', async () => (await health()).versions === 1);
  const most = prlimit('--nproc', '--output=HARD', '--noheadings');
  prlimit('--nproc=1:');
  await writeZipPackage(join(folder, 'packages'), { name: 'other' });
  child.kill('SIGHUP');
  await eventually('health tells of it', async () => (await health()).status === 'degraded');
  t.regex(
    log,
    /no process that reads packages can be started: the system allows no further process or thread/,
  );
  t.deepEqual([(await health()).versions, (await health()).quarantined], [1, 0]);
  prlimit(`--nproc=${most}:`);
  child.kill('SIGHUP');
  await eventually('it is read as soon as it may', async () => (await health()).versions === 2);
  t.is((await health()).status, 'ready');
});
