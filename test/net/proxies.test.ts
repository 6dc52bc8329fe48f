import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { readTlsMaterial } from '../../src/net/tls-material.ts';
import { lacksOpenssl, makeAuthority } from '../support/authority.ts';
import { freePort, startTlsProxy } from '../support/tls-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { createPublisher } from '../support/signed-packages.ts';
import type { SyncRun } from '../support/sync-run.ts';
import { runSyncVerb, writeDefinition } from '../support/sync-run.ts';
import { faults, startUpstream } from '../support/upstream.ts';
import type { FakeUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();
const secret = 's3cret-p%w';
const encoded = encodeURIComponent(secret);

const sync = (
  folder: string,
  upstream: FakeUpstream,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<SyncRun> =>
  runSyncVerb([writeDefinition(folder, upstream.address), '--to', join(folder, 'to'), '--json', ...words], {
    key: publisher.publicKey,
    env,
  });

/** squid with basic auth, that tunnels to any port of this machine; undefined where it can't run. */
async function startSquid(
  t: ExecutionContext,
  folder: string,
): Promise<{ readonly port: number; log(): string } | undefined> {
  const squid = ['/usr/sbin/squid', 'squid'].find((one) => spawnSync(one, ['-v']).status === 0);
  const helper = '/usr/lib/squid/basic_ncsa_auth';
  const hashed = spawnSync('openssl', ['passwd', '-apr1', secret], { encoding: 'utf8' }).stdout;
  if (squid === undefined || !hashed) {
    t.log('skipped: squid or openssl is not installed');
    t.pass();
    return undefined;
  }
  const home = join(folder, 'squid');
  mkdirSync(home);
  chmodSync(folder, 0o755);
  chmodSync(home, 0o777);
  writeFileSync(join(home, 'users'), `carrier:${hashed}`);
  const port = await freePort();
  writeFileSync(
    join(home, 'squid.conf'),
    [
      `http_port 127.0.0.1:${port}`,
      `auth_param basic program ${helper} ${join(home, 'users')}`,
      'auth_param basic realm test',
      'acl known proxy_auth REQUIRED',
      'http_access allow known',
      'http_access deny all',
      'cache deny all',
      `access_log stdio:${join(home, 'access.log')}`,
      `cache_log ${join(home, 'cache.log')}`,
      `pid_filename ${join(home, 'pid')}`,
      `coredump_dir ${home}`,
      'shutdown_lifetime 0 seconds',
      'buffered_logs off',
    ].join('\n'),
  );
  const child = spawn(squid, ['-N', '-f', join(home, 'squid.conf')], { stdio: 'ignore' });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  for (let waited = 0; waited < 10_000; waited += 50) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) {
      return { port, log: () => readFileSync(join(home, 'access.log'), 'utf8') };
    }
    await sleep(50);
  }
  throw new Error('squid did not start');
}

test('a distribution comes through squid with a password, over http and over a tunnel to https', async (t) => {
  const folder = await scratch(t);
  const proxy = await startSquid(t, folder);
  if (!proxy) {
    return;
  }
  const authority = makeAuthority(join(folder, 'ca'));
  const server = authority.issue('localhost');
  const plain = await startUpstream(t);
  const secure = await startUpstream(t, { tls: { key: server.key, cert: server.cert } });
  plain.offer(await publisher.make('nginx', '1.0.0'));
  secure.offer(await publisher.make('apache', '1.0.0'));

  const http = await sync(join(folder, 'http'), plain, [
    '--proxy',
    `http://carrier:${encoded}@127.0.0.1:${proxy.port}`,
  ]);
  t.is(http.exitCode, 0, http.stderr);
  t.regex(proxy.log(), /carrier .*|GET http:\/\/127\.0\.0\.1/);
  t.regex(plain.headers.get('/search')?.via?.toString() ?? '', /squid/);

  const file = join(folder, 'proxy-password');
  writeFileSync(file, `carrier:${secret}\n`);
  const words = ['--proxy-auth-file', file, '--ca', authority.file];
  const https = await sync(join(folder, 'https'), secure, words, {
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
  });
  t.is(https.exitCode, 0, https.stderr);
  // squid writes a tunnel down when it ends, which may be a moment after the answer.
  await eventually('squid tells of the tunnel', () => /CONNECT localhost:/.test(proxy.log()));
  t.regex(proxy.log(), /CONNECT localhost:/);
});

test('a wrong password is told at once, and no password is ever shown', async (t) => {
  const folder = await scratch(t);
  const proxy = await startSquid(t, folder);
  if (!proxy) {
    return;
  }
  const upstream = await startUpstream(t);
  const address = `http://carrier:wrong-word@127.0.0.1:${proxy.port}`;
  const refused = await sync(folder, upstream, ['--proxy', address]);
  t.is(refused.exitCode, 1);
  t.is(refused.error?.code, 'PROXY_REFUSED');
  t.regex(refused.stderr, /user or password/);
  t.notRegex(refused.stderr + refused.stdout, /wrong-word/);
  t.deepEqual(upstream.requests, []);
});

test('what squid itself says of a plain address is told as its word, not as that of the registry', async (t) => {
  const folder = await scratch(t);
  const proxy = await startSquid(t, folder);
  if (!proxy) {
    return;
  }
  const words = ['--proxy', `http://carrier:${encoded}@127.0.0.1:${proxy.port}`];
  const upstream = await startUpstream(t);
  await upstream.close();
  const dead = await sync(folder, upstream, words);
  t.is(dead.error?.code, 'PROXY_REFUSED');
  t.regex(dead.error?.message ?? '', /it cannot reach the server \(503 ERR_CONNECT_FAIL\)/);
  const other = await startUpstream(t);
  other.addFault(faults.status('/search', 403));
  const refused = await sync(folder, other, words);
  t.is(refused.error?.code, 'UPSTREAM_ANSWER');
});

test('NO_PROXY goes direct, and HTTP_PROXY is honoured otherwise', async (t) => {
  const folder = await scratch(t);
  const upstream = await startUpstream(t);
  upstream.offer(await publisher.make('nginx', '1.0.0'));
  const env = { HTTP_PROXY: `http://127.0.0.1:${await freePort()}` };
  const proxied = await sync(join(folder, 'a'), upstream, [], env);
  t.is(proxied.error?.code, 'PROXY_REFUSED');
  t.true(
    proxied.error?.message.startsWith(`the proxy ${env.HTTP_PROXY}, asked for `),
    proxied.error?.message,
  );
  t.regex(proxied.error?.message ?? '', /it cannot be reached: the connection was refused/);
  const unknown = await sync(join(folder, 'c'), upstream, ['--proxy', 'http://proxy.invalid:1']);
  t.regex(
    unknown.error?.message ?? '',
    /the proxy http:\/\/proxy\.invalid:1, asked for .*: it cannot be reached: the host name is unknown/,
  );
  const direct = await sync(join(folder, 'b'), upstream, [], { ...env, NO_PROXY: '.example,127.0.0.1' });
  t.is(direct.exitCode, 0, direct.stderr);
});

test('what is wrong with certificates is told in words: a stranger’s key, another name, no TLS at all', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const folder = await scratch(t);
  const authority = makeAuthority(join(folder, 'ca'));
  const [client, other] = [authority.issue('carrier'), authority.issue('other.example')];
  const upstream = await startUpstream(t, { tls: { key: other.key, cert: other.cert } });
  const plain = await startUpstream(t);
  const trusted = ['--ca', authority.file];
  const pair = ['--client-cert', client.certFile, '--client-key', other.keyFile];
  const odd = await sync(folder, upstream, pair);
  t.is(odd.exitCode, 2);
  t.regex(odd.error?.message ?? '', /--client-key: \S+ is not the key of the certificate/);
  const named = await sync(folder, upstream, trusted);
  t.regex(named.error?.message ?? '', /its certificate is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)/);
  const address = plain.address.replace('http:', 'https:').replace('127.0.0.1', 'localhost');
  const spoken = await sync(folder, { ...plain, address }, trusted);
  t.regex(spoken.error?.message ?? '', /it does not speak TLS there; is it http:/);
  const escaped = await sync(folder, { ...plain, address: 'http://us%er:word@127.0.0.1/' }, []);
  t.is(escaped.exitCode, 2);
  t.regex(escaped.error?.message ?? '', /must be written %25/);
  t.notRegex(escaped.stderr, /word@/);
});

test('a file of CAs that is damaged in its middle is told, and one with a text or a key beside them is taken', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const folder = await scratch(t);
  const authority = makeAuthority(join(folder, 'ca'));
  const good = authority.cert;
  const cut = good.replace(/\n[^\n]+\n-----END/, '\n-----END');
  const read = (name: string, text: string): string | undefined => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return readTlsMaterial({ ca: file }, 'proxy-', {}).ca;
  };
  const damaged = { code: 'USAGE', message: /^--proxy-ca: certificate number 2 in \S+ is damaged$/ };
  t.throws(() => read('cut', `${good}${cut}${good}`), damaged);
  t.throws(() => read('torn', `${good}${good.replace(/-----END[^\n]+\n/, '')}`), damaged);
  for (const text of [
    `${good}${good}`,
    `\ufeffOur own CA\n${good}`.replaceAll('\n', '\r\n'),
    `${authority.issue('any').key}${good}`,
  ]) {
    t.is(read('good', text), text);
  }
});

test('a gateway that speaks TLS, demands a client certificate and wants headers on CONNECT is passed', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const folder = await scratch(t);
  const authority = makeAuthority(join(folder, 'ca'));
  const gateway = authority.issue('localhost');
  const client = authority.issue('carrier');
  const proxy = await startTlsProxy({ ...gateway, ca: authority.cert });
  t.teardown(() => proxy.close());
  const upstream = await startUpstream(t, { tls: { key: gateway.key, cert: gateway.cert } });
  upstream.offer(await publisher.make('nginx', '1.0.0'));
  const address = ['--proxy', `https://carrier:${encoded}@localhost:${proxy.port}`, '--ca', authority.file];
  const certificate = ['--proxy-client-cert', client.certFile, '--proxy-client-key', client.keyFile];

  const without = await sync(join(folder, 'a'), upstream, [...address, '--proxy-ca', authority.file]);
  t.is(without.exitCode, 1);
  t.notRegex(without.stderr, new RegExp(secret));
  const unknown = await sync(join(folder, 'b'), upstream, [...address, ...certificate]);
  t.regex(unknown.error?.message ?? '', /certificate is not trusted/);

  const passed = await sync(join(folder, 'c'), upstream, [
    ...address,
    ...certificate,
    '--proxy-ca',
    authority.file,
    '--proxy-header',
    'X-Gateway-Ticket: 4711',
  ]);
  t.is(passed.exitCode, 0, passed.stderr);
  t.true(proxy.connects.length > 0);
  for (const one of proxy.connects) {
    t.is(one.headers['x-gateway-ticket'], '4711');
    t.is(one.headers['proxy-authorization'], `Basic ${Buffer.from(`carrier:${secret}`).toString('base64')}`);
    t.is(one.subject, 'carrier');
  }
  t.is(upstream.headers.get('/search')?.['x-gateway-ticket'], undefined);
  t.is(upstream.headers.get('/search')?.['proxy-authorization'], undefined);
});

test('an upstream with its own CA and a demand for a client certificate', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const folder = await scratch(t);
  const authority = makeAuthority(join(folder, 'ca'));
  const server = authority.issue('localhost');
  const client = authority.issue('depot');
  const upstream = await startUpstream(t, {
    tls: { key: server.key, cert: server.cert, ca: authority.cert, requestCert: true },
  });
  upstream.offer(await publisher.make('nginx', '1.0.0'));

  const untrusted = await sync(join(folder, 'a'), upstream, []);
  t.regex(untrusted.error?.message ?? '', /certificate is not trusted/);
  t.regex(untrusted.error?.advice ?? '', /--ca/);
  const nameless = await sync(join(folder, 'b'), upstream, ['--ca', authority.file]);
  t.is(nameless.exitCode, 1);
  const words = ['--ca', authority.file, '--client-cert', client.certFile, '--client-key', client.keyFile];
  const good = await sync(join(folder, 'c'), upstream, words);
  t.is(good.exitCode, 0, good.stderr);
  const half = await sync(join(folder, 'd'), upstream, ['--client-cert', client.certFile]);
  t.is(half.exitCode, 2);

  upstream.addFault(
    faults.redirect('/nginx-1.0.0.zip', `http://localhost:${new URL(upstream.address).port}/x`),
  );
  const downgraded = await sync(join(folder, 'e'), upstream, [
    ...words,
    '--allow-redirect-host',
    'localhost',
  ]);
  t.is(downgraded.exitCode, 1);
  t.regex(downgraded.json.report.failed[0]?.reason ?? '', /https must not become http/);
});

test('user and password in the address go to the upstream only, and into no file and no message', async (t) => {
  const folder = await scratch(t);
  const upstream = await startUpstream(t);
  upstream.offer(await publisher.make('nginx', '1.0.0'));
  const address = upstream.address.replace('//', `//reader:${encoded}@`);
  const run = await sync(folder, upstream, ['--address', address]);
  t.is(run.exitCode, 0, run.stderr);
  t.is(
    upstream.headers.get('/search')?.authorization,
    `Basic ${Buffer.from(`reader:${secret}`).toString('base64')}`,
  );
  const lock = readFileSync(join(folder, 'to', 'distribution.lock'), 'utf8');
  t.false((lock + run.stdout + run.stderr).includes(encoded));
  upstream.addFault(faults.status('/search', 404));
  const failed = await sync(folder, upstream, ['--address', address]);
  t.is(failed.exitCode, 1);
  t.false(failed.stderr.includes(encoded) || failed.stderr.includes('reader'));
});
