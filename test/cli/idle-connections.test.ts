import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { startServer } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { openSocket } from '../support/open-socket.ts';
import { scratch } from '../support/scratch.ts';

const count = 300;

/** The head of the answer to a request on a connection that is kept. */
const ask = async (socket: Socket): Promise<string> => {
  socket.write('GET /health?live=true HTTP/1.1\r\nHost: depot\r\n\r\n');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
};

test('hundreds of idle connections hinder neither answers nor the stop, and a running download finishes', async (t) => {
  const folder = await scratch(t);
  const noise = randomBytes(24 << 20);
  await writeZipPackage(folder, { files: { 'img/screenshot.png': noise } });
  const flags = ['-package-paths', folder, '-require-package-signatures=false'];
  const server = await startServer(t, flags, { cwd: folder });
  const port = Number(new URL(server.url).port);

  const idle = await Promise.all(Array.from({ length: count }, () => openSocket(t, port)));
  for (const socket of idle) {
    t.regex(await ask(socket), /^HTTP\/1\.1 200 OK\r\n/);
  }
  for (let round = 0; round < 20; round += 1) {
    const found = (await (await fetch(`${server.url}/search`)).json()) as readonly unknown[];
    t.is(found.length, 1);
  }
  // Each is still good for another request.
  for (const socket of idle) {
    t.regex(await ask(socket), /^HTTP\/1\.1 200 OK\r\n/);
  }

  const download = await openSocket(t, port);
  download.write('GET /epr/demo/demo-1.0.0.zip HTTP/1.1\r\nHost: depot\r\nConnection: close\r\n\r\n');
  await once(download, 'readable');
  const ends = Promise.all(idle.map((socket) => text(socket)));
  server.signal('SIGTERM');
  await ends;
  await eventually('no new connection is taken', async () => {
    const socket = connect(port, '127.0.0.1');
    const refused = await once(socket, 'connect').then(
      () => false,
      () => true,
    );
    socket.destroy();
    return refused;
  });
  let bytes = 0;
  for await (const chunk of download) {
    bytes += (chunk as Buffer).length;
  }
  t.true(bytes > noise.length, `${bytes} bytes of the download`);
  t.is(await server.closed, 0);
  t.regex(server.log(), /stopped/);
});
