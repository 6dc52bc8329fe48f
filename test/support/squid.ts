import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';

const program = ['/usr/sbin/squid', '/usr/local/sbin/squid'].find((path) => existsSync(path));

const basicHelper = '/usr/lib/squid/basic_ncsa_auth';

/** A user of a squid that asks for a password (basic auth). */
export interface SquidUser {
  readonly name: string;
  readonly password: string;
}

/**
 * Starts a squid that lets everybody, or only the user, through to every port; its address without user and password, or
 * undefined where there is no squid.
 */
export const startSquid = async (t: ExecutionContext, user?: SquidUser): Promise<string | undefined> => {
  if (program === undefined) {
    t.log('skipped: there is no squid on this machine');
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'squid-'));
  await chmod(folder, 0o777);
  const port = await freePort();
  const file = join(folder, 'squid.conf');
  await writeFile(
    file,
    [
      `http_port 127.0.0.1:${port}`,
      ...(user === undefined ? ['http_access allow all'] : await demandUser(folder, user)),
      'cache deny all',
      'access_log none',
      'cache_log /dev/null',
      'cache_store_log none',
      'pid_filename none',
      'shutdown_lifetime 0 seconds',
      `coredump_dir ${folder}`,
      'netdb_filename none',
    ].join('\n'),
  );
  const squid = spawn(program, ['-N', '-f', file], { stdio: 'ignore', cwd: folder });
  const ended = new Promise<void>((resolve) => {
    squid.once('exit', () => resolve());
  });
  t.teardown(async () => {
    squid.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await accepts(port)) {
      return `http://127.0.0.1:${port}`;
    }
    if (squid.exitCode !== null) {
      throw new Error(`squid ended with ${squid.exitCode}`);
    }
    await wait(50);
  }
  throw new Error('squid does not listen');
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Rules that let the one user in, and nobody else. */
const demandUser = async (folder: string, { name, password }: SquidUser): Promise<string[]> => {
  const hash = spawnSync('openssl', ['passwd', '-apr1', password], { encoding: 'utf8' }).stdout;
  const file = join(folder, 'users');
  await writeFile(file, `${name}:${hash}`);
  return [
    `auth_param basic program ${basicHelper} ${file}`,
    'auth_param basic realm test',
    'acl known proxy_auth REQUIRED',
    'http_access allow known',
    'http_access deny all',
  ];
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
