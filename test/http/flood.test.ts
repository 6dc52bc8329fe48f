import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { connect as connectSecurely, type TLSSocket } from 'node:tls';
import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { lacksOpenssl } from '../support/authority.ts';
import { selfSigned } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { openSocket } from '../support/open-socket.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';

const isGone = (socket: Socket): boolean => socket.destroyed || socket.readableEnded;
const stillOpen = (sockets: readonly Socket[]): number => sockets.filter((one) => !isGone(one)).length;

const serve = async (t: ExecutionContext, flags: Readonly<Record<string, string>>): Promise<TestServer> => {
  const root = await scratch(t);
  await writeZipPackage(root, { files: { 'docs/ballast.bin': randomBytes(24 * 1024 * 1024) } });
  const server = await startServer({ packagePaths: [root], flags: { 'archive-cache-size': '0', ...flags } });
  t.teardown(() => server.close());
  return server;
};
const portOf = ({ url }: TestServer): number => Number(new URL(url).port);
const closedFor = async (server: TestServer, reason: string): Promise<number> => {
  const metrics = await server.metrics();
  return Number(
    new RegExp(`^fleet_depot_connections_closed_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(
      metrics,
    )?.[1],
  );
};
const warnings = ({ lines }: TestServer): readonly string[] =>
  lines
    .filter(({ fields }) => fields['event.action'] === 'connections-crowded')
    .map(({ message }) => message);

/** Many connections, opened a few at a time; each reads, so that it sees its end. */
const flood = async (t: ExecutionContext, port: number, count: number, first?: Buffer): Promise<Socket[]> => {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = await Promise.all(Array.from({ length: 20 }, () => openSocket(t, port)));
    for (const socket of some) {
      socket.resume();
      if (first) {
        socket.write(first);
      }
    }
    sockets.push(...some);
  }
  return sockets;
};

/** The first message of a TLS client. */
const clientHello = async (): Promise<Buffer> => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const client = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false });
  client.on('error', () => undefined);
  const [socket] = (await once(listener, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  listener.close();
  return bytes;
};

const secureHealth = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket: TLSSocket = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
      socket.end('GET /health HTTP/1.1\r\nHost: depot\r\nConnection: close\r\n\r\n'),
    );
    socket.on('error', reject);
    buffer(socket).then((said) => resolve(said.toString('latin1').slice(9, 12)), reject);
  });

for (const [what, shakes] of Object.entries({ 'never begin': false, 'stay half open': true })) {
  test(`of TLS handshakes that ${what} only so many are kept, and who comes is served`, async (t) => {
    if (lacksOpenssl(t)) {
      return;
    }
    const { cert, key } = await selfSigned(await scratch(t), 'depot');
    const server = await serve(t, { 'tls-cert': cert, 'tls-key': key, 'max-connections': '200' });
    const port = portOf(server);
    const hello = shakes ? await clientHello() : undefined;
    const flooding = flood(t, port, 300, hello);
    // One of them may be taken for one of the flood.
    await eventually('health answers meanwhile', async () =>
      secureHealth(port).then(
        (status) => status === '200',
        () => false,
      ),
    );
    const sockets = await flooding;
    await eventually('all but a tenth of them are closed', () => stillOpen(sockets) <= 20);
    t.is(await secureHealth(port), '200');
    t.true((await closedFor(server, 'handshakes')) >= 280);
    t.is(await closedFor(server, 'connections'), 0);
    t.is(warnings(server).length, 1, 'a flood is told once');
  });
}

test('of connections that ask nothing the oldest go for those that ask, and no running answer is cut', async (t) => {
  const server = await serve(t, { 'max-connections': '50' });
  const port = portOf(server);
  const [download] = (await once(
    get(`${server.url}/epr/demo/demo-1.0.0.zip`, { agent: false }),
    'response',
  )) as [IncomingMessage];
  download.pause();
  const waiting = await openSocket(t, port);
  waiting.write('GET /health HTTP/1.1\r\nHost: depot\r\n\r\n');
  await once(waiting, 'data');
  const sockets = await flood(t, port, 200);
  await eventually('only so many are left', () => stillOpen(sockets) <= 48);
  t.false(isGone(waiting), 'one that has asked is closed later than those that never did');
  t.is((await fetch(`${server.url}/health`)).status, 200);
  const { length } = await buffer(download);
  t.is(length, Number(download.headers['content-length']));
  t.true((await closedFor(server, 'connections')) >= 152);
  t.is(warnings(server).length, 1);
});

test('connections that wait for a further request go before anybody is refused', async (t) => {
  const server = await serve(t, { 'max-connections': '16' });
  const port = portOf(server);
  const sockets: Socket[] = [];
  for (let count = 0; count < 40; count += 1) {
    const socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write('GET /health HTTP/1.1\r\nHost: depot\r\n\r\n');
    const [said] = (await once(socket, 'data')) as [Buffer];
    t.regex(said.toString('latin1'), /^HTTP\/1\.1 200 /);
    socket.resume();
    sockets.push(socket);
  }
  await eventually('the oldest are closed', () => stillOpen(sockets) <= 16);
  t.deepEqual(
    sockets.map(isGone),
    sockets.map((_, at) => at < 24),
    'in the order in which they came',
  );
});
