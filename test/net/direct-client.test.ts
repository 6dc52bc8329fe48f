import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createClient } from '../../src/net/client.ts';
import type { ClientSettings } from '../../src/net/client-settings.ts';
import { readBody, Transient, type HttpAnswer, type HttpClient } from '../../src/net/http.ts';
import { lacksOpenssl, makeAuthority } from '../support/authority.ts';
import { scratch } from '../support/scratch.ts';

const content = randomBytes(3_000_000);

const makeClient = (t: ExecutionContext, more: Partial<ClientSettings> = {}): HttpClient => {
  const client = createClient({
    proxy: { noProxy: '' },
    proxyHeaders: {},
    proxyTls: {},
    tls: {},
    connections: 2,
    connectTimeout: 10_000,
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
    userAgent: 'test',
    ...more,
  });
  t.teardown(() => client.close());
  return client;
};

const listen = async (t: ExecutionContext, server: Server): Promise<URL> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/epr/a/a-1.0.0.zip`);
};

const serve = (t: ExecutionContext, listener: RequestListener): Promise<URL> =>
  listen(t, createServer(listener));

/** Says what it is told, whatever is asked; `null` ends the connection. */
const speak = (
  t: ExecutionContext,
  ...said: readonly (readonly (string | Buffer | null)[])[]
): Promise<URL> => {
  let turn = 0;
  return listen(
    t,
    createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        for (const piece of said[Math.min(turn, said.length - 1)] ?? []) {
          if (piece === null) {
            socket.end();
          } else {
            socket.write(piece);
          }
        }
        turn += 1;
      });
    }),
  );
};

const ask = (client: HttpClient, url: URL, signal?: AbortSignal): Promise<HttpAnswer> =>
  client.request({ url, expectsLength: true, ...(signal ? { signal } : {}) });

const sized: RequestListener = (_request, response) =>
  void response.writeHead(200, { 'content-length': content.length }).end(content);

test('answers before the answer are passed over, in one piece or in many, and an endless row of them ends', async (t) => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n';
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc';
  const url = await speak(
    t,
    [interim + answer],
    ['HTTP/1.1 100 Continue\r\n', '\r\nHTTP/1.1 1', '02 Wait\r\n\r\n', answer],
  );
  const client = makeClient(t);
  for (const turn of ['in one piece', 'in pieces']) {
    t.is((await readBody(await ask(client, url), 10)).toString(), 'abc', turn);
  }
  const endless = await speak(t, [interim.repeat(100)]);
  await t.throwsAsync(async () => ask(makeClient(t), endless));
});

test('a file comes to its place and as a stream, over the same connection', async (t) => {
  const ports = new Set<number | undefined>();
  const url = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort);
    sized(request, response);
  });
  const client = makeClient(t);
  const place = Buffer.alloc(content.length + 10);
  let told = 0;
  const answer = await ask(client, url);
  t.truthy(answer.body.readInto, 'it came on the quick way');
  await answer.body.readInto?.(place, (count) => (told += count));
  t.is(told, content.length);
  t.true(place.subarray(0, content.length).equals(content));
  t.true(place.subarray(content.length).equals(Buffer.alloc(10)), 'nothing behind it was touched');
  const pieces: Buffer[] = [];
  for await (const piece of (await ask(client, url)).body as AsyncIterable<Buffer>) {
    pieces.push(piece);
  }
  t.true(Buffer.concat(pieces).equals(content));
  t.true((await readBody(await ask(client, url), content.length)).equals(content));
  t.is(ports.size, 1);
});

test('many at once share the connections, and each gets its own', async (t) => {
  const url = await serve(t, (request, response) => {
    const body = `${request.url} `.repeat(20_000);
    response.writeHead(200, { 'content-length': body.length }).end(body);
  });
  const client = makeClient(t, { connections: 3 });
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const text = (await readBody(await ask(client, new URL(`/epr/${index}`, url)), 2 ** 20)).toString();
      t.is(text, `/epr/${index} `.repeat(20_000));
    }),
  );
});

test('a body in chunks comes by the whole client, which is then asked at once', async (t) => {
  let asked = 0;
  const url = await serve(t, (_request, response) => {
    asked += 1;
    response.write(content);
    response.end();
  });
  const client = makeClient(t);
  t.true((await readBody(await ask(client, url), content.length)).equals(content));
  t.is(asked, 2);
  t.true((await readBody(await ask(client, url), content.length)).equals(content));
  t.is(asked, 3);
});

test('a refusal whose page comes in chunks is asked once', async (t) => {
  let asked = 0;
  const url = await serve(t, (_request, response) => {
    asked += 1;
    response.writeHead(404).write('a page');
    response.end();
  });
  const client = makeClient(t);
  for (const turn of [1, 2]) {
    const answer = await ask(client, url);
    t.is(answer.status, 404);
    answer.body.destroy();
    t.is(asked, turn);
  }
});

test('a body that is cut tells what came of it', async (t) => {
  const url = await speak(t, [
    'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n',
    Buffer.alloc(700, 'a'),
    null,
  ]);
  const client = makeClient(t);
  const place = Buffer.alloc(5000);
  let told = 0;
  const answer = await ask(client, url);
  await t.throwsAsync(async () => answer.body.readInto?.(place, (count) => (told += count)));
  t.is(told, 700);
  t.is(place.indexOf(0), 700);
  const stream = await ask(client, url);
  await t.throwsAsync(readBody({ ...stream, headers: {} }, 5000));
});

test('what follows a body is nobody’s: the connection is given up', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n';
  const url = await speak(t, [`${answer}goodHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad`]);
  const client = makeClient(t);
  for (let turn = 0; turn < 5; turn++) {
    t.is((await readBody(await ask(client, url), 100)).toString(), 'good');
  }
});

test('a connection that the server has given up meanwhile is no fault', async (t) => {
  const url = await speak(
    t,
    ['HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood'],
    [null],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nagain'],
  );
  const client = makeClient(t);
  t.is((await readBody(await ask(client, url), 100)).toString(), 'good');
  t.is((await readBody(await ask(client, url), 100)).toString(), 'again');
});

test('whoever doesn’t answer, stalls, refuses or speaks no HTTP is told apart, as a fault that passes', async (t) => {
  const reason = async (url: URL): Promise<string> => {
    const client = makeClient(t, { headersTimeout: 300, bodyTimeout: 300 });
    const error = await t.throwsAsync(async () => {
      const { body } = await ask(client, url);
      await body.readInto?.(Buffer.alloc(100), () => {});
    });
    return error instanceof Transient ? error.error.message : (error?.message ?? '');
  };
  t.regex(await reason(await speak(t, [])), /no answer within 0\.3 s/);
  t.regex(await reason(await speak(t, ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na'])), /stalled/);
  t.regex(await reason(await speak(t, [null])), /the connection was cut/);
  t.regex(await reason(new URL('http://127.0.0.1:1/')), /refused/);
  t.regex(await reason(await speak(t, ['SSH-2.0-OpenSSH_9.2\r\n\r\n'])), /not proper HTTP/);
});

test('an abort ends what is asked and what is read', async (t) => {
  const url = await speak(t, ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na']);
  const client = makeClient(t);
  const reading = new AbortController();
  const answer = await ask(client, url, reading.signal);
  const read = answer.body.readInto?.(Buffer.alloc(100), () => {});
  reading.abort();
  await t.throwsAsync(async () => read);
  const asking = new AbortController();
  const silent = ask(client, await speak(t, []), asking.signal);
  asking.abort();
  await t.throwsAsync(silent, { code: 'INTERRUPTED' });
});

test('over TLS what comes before anybody reads is kept, in its order', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const authority = makeAuthority(join(await scratch(t), 'ca'));
  const { key, cert } = authority.issue('localhost');
  // More than one record of TLS comes with the first read of the socket, and all that came are passed on.
  for (const body of [content, content.subarray(0, 40_000)]) {
    const plain = await listen(
      t,
      createTlsServer({ key, cert }, (_request, response) =>
        response.writeHead(200, { 'content-length': body.length }).end(body),
      ),
    );
    const client = makeClient(t, { tls: { ca: authority.cert } });
    const askLate = async (): Promise<HttpAnswer> => {
      const answer = await ask(client, new URL(`https://localhost:${plain.port}${plain.pathname}`));
      await sleep(50);
      return answer;
    };
    const place = Buffer.alloc(body.length);
    let told = 0;
    await (await askLate()).body.readInto?.(place, (count) => (told += count));
    t.true(place.equals(body));
    t.is(told, body.length);
    const pieces: Buffer[] = [];
    for await (const piece of (await askLate()).body as AsyncIterable<Buffer>) {
      pieces.push(piece);
    }
    t.true(Buffer.concat(pieces).equals(body));
  }
});

test('over TLS the upstream’s certificate counts as anywhere', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const authority = makeAuthority(join(await scratch(t), 'ca'));
  const { key, cert } = authority.issue('localhost');
  const plain = await listen(t, createTlsServer({ key, cert }, sized));
  const url = new URL(`https://localhost:${plain.port}${plain.pathname}`);
  const answer = await ask(makeClient(t, { tls: { ca: authority.cert } }), url);
  const place = Buffer.alloc(content.length);
  await answer.body.readInto?.(place, () => {});
  t.true(place.equals(content));
  await t.throwsAsync(ask(makeClient(t), url), { message: /certificate is not trusted/ });
});
