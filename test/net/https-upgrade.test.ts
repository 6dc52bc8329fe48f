import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { lacksOpenssl, makeAuthority } from '../support/authority.ts';
import { scratch } from '../support/scratch.ts';
import { createPublisher } from '../support/signed-packages.ts';
import { runSyncVerb, writeDefinition, type SyncRun } from '../support/sync-run.ts';
import { tunnel } from '../support/tunnel.ts';
import { startUpstream, type FakeUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();

interface Scene {
  readonly upstream: FakeUpstream;
  /** Syncs from http://registry.example while that answers with this status and place. */
  sync(name: string, status: number, place: (path: string) => string): Promise<SyncRun>;
}

/**
 * A registry at registry.example that speaks TLS on port 443 and only redirects on port 80: both are reached through a proxy, since
 * no test may listen there.
 */
const setUp = async (t: ExecutionContext): Promise<Scene> => {
  const folder = await scratch(t);
  const authority = makeAuthority(join(folder, 'ca'));
  const { key, cert } = authority.issue('registry.example');
  const upstream = await startUpstream(t, { tls: { key, cert, ca: authority.cert, requestCert: false } });
  upstream.offer(await publisher.make('nginx', '1.0.0'));
  const { port } = new URL(upstream.address);
  let redirect = { status: 301, place: (path: string) => path };
  const sockets = new Set<Socket>();
  const proxy = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '');
    response.writeHead(redirect.status, { location: redirect.place(pathname + search) }).end();
  });
  proxy.on('connection', (socket) => sockets.add(socket));
  proxy.on('connect', (request, socket, head) => {
    if (request.url !== 'registry.example:443') {
      socket.end('HTTP/1.1 502 Bad gateway\r\n\r\n');
      return;
    }
    tunnel(socket, head, '127.0.0.1', Number(port), sockets);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.close();
    sockets.forEach((socket) => socket.destroy());
  });
  const words = [
    '--ca',
    authority.file,
    '--proxy',
    `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  ];
  return {
    upstream,
    sync: (name, status, place) => {
      redirect = { status, place };
      const to = ['--to', join(folder, name), '--json'];
      const definition = writeDefinition(folder, 'http://reader:pass@registry.example');
      return runSyncVerb([definition, ...to, ...words], { key: publisher.publicKey });
    },
  };
};

test('a registry that redirects from http to https on the same host is followed there, with its user and password', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const { sync, upstream } = await setUp(t);
  for (const status of [301, 302, 307, 308]) {
    const run = await sync(`to-${status}`, status, (path) => `https://registry.example${path}`);
    t.is(run.exitCode, 0, run.stderr);
    t.deepEqual(run.json.report.fetched, ['nginx-1.0.0']);
  }
  const authorization = `Basic ${Buffer.from('reader:pass').toString('base64')}`;
  t.is(upstream.headers.get('/search')?.authorization, authorization);
});

test('a redirect from http to https at another port or another host is refused as before', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const { sync, upstream } = await setUp(t);
  for (const host of ['registry.example:8443', 'www.registry.example', 'other.example']) {
    const run = await sync(host.replace(':', '-'), 308, (path) => `https://${host}${path}`);
    t.is(run.exitCode, 1);
    t.is(run.error?.code, 'UPSTREAM_REDIRECT', run.stderr);
  }
  t.deepEqual(upstream.requests, []);
});
