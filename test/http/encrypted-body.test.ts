import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { endWith } from '../../src/http/encrypted-body.ts';
import { selfSigned, type CertificateFiles } from '../support/certificates.ts';
import { startListener } from '../support/listener.ts';
import { packageFiles, zipBytes } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';

const large = randomBytes(16 * 1024 * 1024);

const startSecure = async (
  t: ExecutionContext,
  told: (socket: IncomingMessage['socket']) => void,
): Promise<{ readonly port: number; readonly cert: string }> => {
  const files = await selfSigned(await scratch(t), 'depot');
  const [cert, key] = [await readFile(files.cert, 'utf8'), await readFile(files.key, 'utf8')];
  const { port } = await startListener(t, {
    identity: { options: () => ({ cert, key }), onRenewal: () => () => undefined },
    handler: (request, response) => {
      response.setHeader('Content-Length', large.length);
      endWith(response, large);
      told(request.socket);
    },
  });
  return { port, cert };
};

const open = async (t: ExecutionContext, port: number, cert: string): Promise<TLSSocket> => {
  const socket = connect({ port, host: '127.0.0.1', ca: cert, checkServerIdentity: () => undefined });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
};

const request = 'GET / HTTP/1.1\r\nHost: depot\r\n\r\n';

test('over TLS no more than a piece of a large answer is encrypted before the client takes it', async (t) => {
  const handed: number[] = [];
  const { port, cert } = await startSecure(t, ({ bytesWritten }) => void handed.push(bytesWritten));
  const socket = await open(t, port, cert);
  socket.write(request);
  await once(socket, 'data');
  t.is(handed.length, 1);
  t.true((handed[0] ?? Infinity) < 1024 * 1024, String(handed[0]));
});

test('large answers that are asked for in one go come whole and one after the other', async (t) => {
  const { port, cert } = await startSecure(t, () => undefined);
  const socket = await open(t, port, cert);
  socket.write(request.repeat(2));
  socket.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  const all = await buffer(socket);
  for (let at = 0, count = 1; count <= 3; count += 1) {
    const start = all.indexOf('\r\n\r\n', at) + 4;
    at = start + large.length;
    t.true(all.subarray(start, at).equals(large), `answer ${count}`);
  }
});

test('a client that leaves in the middle ends its answer', async (t) => {
  let closed: Promise<unknown> = Promise.resolve();
  const { port, cert } = await startSecure(t, (socket) => {
    closed = new Promise((resolve) => socket.once('close', resolve));
  });
  const socket = await open(t, port, cert);
  socket.write(request);
  await once(socket, 'data');
  socket.destroy();
  await t.notThrowsAsync(closed);
});

interface Started {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

test('an archive in memory goes out so, the whole and a part of it', async (t) => {
  const folder = await scratch(t);
  const files: CertificateFiles = await selfSigned(folder, 'localhost');
  const archive = await zipBytes('demo-1.0.0', {
    ...packageFiles({ version: '1.0.0' }),
    'img/large.png': randomBytes(4 * 1024 * 1024),
  });
  await writeFile(join(folder, 'demo-1.0.0.zip'), archive);
  const server = await startServer({
    packagePaths: [folder],
    flags: { 'tls-cert': files.cert, 'tls-key': files.key },
  });
  t.teardown(() => server.close());
  const path = '/epr/demo/demo-1.0.0.zip';
  // Of each answer: whether all of it was handed over in the turn that began it.
  const atOnce: boolean[] = [];
  const look = (message: unknown): void => {
    const { request: asked, response } = message as Started;
    if (asked.url === path) {
      setImmediate(() => atOnce.push(response.writableEnded));
    }
  };
  subscribe('http.server.request.start', look);
  t.teardown(() => unsubscribe('http.server.request.start', look));
  const ask = async (range?: string): Promise<Buffer> => {
    const asked = get(`${server.url}${path}`, {
      ca: await readFile(files.cert),
      agent: false,
      servername: 'localhost',
      headers: range === undefined ? {} : { range },
    });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return buffer(answer);
  };
  // From disk, into memory, from memory.
  for (let count = 0; count < 3; count += 1) {
    t.true((await ask()).equals(archive));
  }
  t.true((await ask('bytes=1000-3000999')).equals(archive.subarray(1000, 3_001_000)));
  t.deepEqual(atOnce, [false, false, false, false]);
});
