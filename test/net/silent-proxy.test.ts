import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { DepotError } from '../../src/domain/errors.ts';
import { createClient } from '../../src/net/client.ts';
import type { ClientSettings } from '../../src/net/client-settings.ts';
import { Transient } from '../../src/net/http.ts';
import { resolveProxy } from '../../src/net/proxy.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { freePort } from '../support/tls-proxy.ts';

const targets = ['http://registry.invalid/search', 'https://registry.invalid/search'];

/** A proxy that does with each request what `answer` says; undefined for one that never says a word. */
const startProxy = async (
  t: ExecutionContext,
  answer: string | undefined,
): Promise<{ readonly proxy: string; readonly asked: string[] }> => {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (head: Buffer) => {
      asked.push(head.toString('latin1').split('\r\n', 1)[0] ?? '');
      if (answer !== undefined) {
        socket.write(answer);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    open.forEach((socket) => socket.destroy());
    server.close();
  });
  return { proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
};

/** More patient than any test. */
const through = (proxy: string): ClientSettings => ({
  proxy: resolveProxy({ proxy }, {}),
  proxyHeaders: {},
  proxyTls: {},
  tls: {},
  connections: 2,
  connectTimeout: 600_000,
  headersTimeout: 600_000,
  bodyTimeout: 600_000,
  userAgent: 'test',
});

/** What a request through the proxy is told as; Transient ones as what they carry. */
const failureOf = async (
  t: ExecutionContext,
  url: string,
  proxy: string,
  settings: Partial<ClientSettings> = {},
): Promise<{ readonly code: string; readonly message: string; readonly passing: boolean }> => {
  const client = createClient({ ...through(proxy), ...settings });
  const thrown: unknown = await t.throwsAsync(client.request({ url: new URL(url) }), { any: true });
  await client.close();
  const error = thrown instanceof Transient ? thrown.error : thrown;
  if (!(error instanceof DepotError)) {
    throw error;
  }
  return { code: error.code, message: error.message, passing: thrown instanceof Transient };
};

for (const url of targets) {
  test(`a proxy that takes a request for ${url} and says nothing is given up after the time of the flags`, async (t) => {
    const { proxy, asked } = await startProxy(t, undefined);
    const failure = await failureOf(t, url, proxy, { headersTimeout: 300 });
    t.regex(failure.message, /no answer within 0\.3 s/);
    t.true(failure.passing);
    t.is(asked.length, 1);
  });

  test(`a request for ${url} that waits for a silent proxy ends with its signal`, async (t) => {
    const { proxy, asked } = await startProxy(t, undefined);
    const stop = new AbortController();
    const failing = failureOf(t, url, proxy, { signal: stop.signal });
    await eventually('the proxy is asked', () => asked.length > 0);
    stop.abort();
    t.is((await failing).code, 'INTERRUPTED');
  });
}

test('a request whose tunnel leads to a host that never shakes hands ends with its signal', async (t) => {
  const { proxy, asked } = await startProxy(t, 'HTTP/1.1 200 Connection established\r\n\r\n');
  const stop = new AbortController();
  const failing = failureOf(t, 'https://registry.invalid/', proxy, { signal: stop.signal });
  await eventually('the proxy is asked', () => asked.length > 0);
  stop.abort();
  t.is((await failing).code, 'INTERRUPTED');
});

const refusals: readonly [status: number, said: RegExp, passing: boolean][] = [
  [401, /it wants another user or password \(401\)/, false],
  [407, /it wants another user or password \(407\)/, false],
  [403, /it does not let this request through \(403\)/, false],
  [500, /it cannot reach the server \(500\)/, true],
  [502, /it cannot reach the server \(502\)/, true],
  [503, /it cannot reach the server \(503\)/, true],
];
for (const [status, said, passing] of refusals) {
  test(`a proxy that answers a tunnel with ${status} is told as what it means`, async (t) => {
    const { proxy } = await startProxy(t, `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const failure = await failureOf(t, 'https://registry.invalid/', proxy);
    t.is(failure.code, 'PROXY_REFUSED');
    t.regex(failure.message, said);
    t.is(failure.passing, passing);
  });
}

test('a proxy that is not there is told as such, with and without a tunnel', async (t) => {
  const proxy = `http://127.0.0.1:${await freePort()}`;
  for (const url of targets) {
    const failure = await failureOf(t, url, proxy);
    t.is(failure.code, 'PROXY_REFUSED');
    t.regex(failure.message, /it cannot be reached: the connection was refused/);
  }
});

test('what tinyproxy itself says of a plain address is told as its word', async (t) => {
  if (spawnSync('tinyproxy', ['-v']).status !== 0) {
    t.log('skipped: tinyproxy is not installed');
    t.pass();
    return;
  }
  const port = await freePort();
  const file = join(await scratch(t), 'tinyproxy.conf');
  writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nBasicAuth carrier word\nMaxClients 10\n`);
  const child = spawn('tinyproxy', ['-d', '-c', file], { stdio: 'ignore' });
  t.teardown(() => child.kill());
  await eventually('tinyproxy listens', async () => {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isOpen;
  });
  const dead = `http://127.0.0.1:${await freePort()}/search`;
  const wrong = await failureOf(t, dead, `http://carrier:other@127.0.0.1:${port}`);
  t.is(wrong.code, 'PROXY_REFUSED');
  t.regex(wrong.message, /it wants another user or password \(401\)/);
  const right = `http://carrier:word@127.0.0.1:${port}`;
  const gone = await failureOf(t, dead, right);
  t.is(gone.code, 'PROXY_REFUSED');
  t.regex(gone.message, /it cannot reach the server \(500\)/);
  t.true(gone.passing);
  const upstream = createHttpServer((_request, response) => response.writeHead(401).end());
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const client = createClient(through(right));
  t.teardown(() => client.close());
  const url = new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`);
  const answer = await client.request({ url });
  answer.body.resume();
  t.is(answer.status, 401, 'of the server itself');
});
