import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { get as getSecure } from 'node:https';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { DepotError } from '../../src/domain/errors.ts';
import { listen, type Listener } from '../../src/http/server.ts';
import { selfSigned } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { startListener } from '../support/listener.ts';
import { openSocket } from '../support/open-socket.ts';
import { scratch } from '../support/scratch.ts';

const exchange = async (t: ExecutionContext, port: number, words: string): Promise<string> => {
  const socket = await openSocket(t, port);
  socket.write(words);
  return text(socket);
};

const hello = (_request: unknown, response: { end(body: string): void }): void => response.end('hello\n');

test('a client that is slow with its headers, or sends nothing at all, is cut', async (t) => {
  const { port } = await startListener(t, { handler: hello, headersTimeout: 300 });
  const [slow, silent] = [await openSocket(t, port), await openSocket(t, port)];
  slow.write('GET / HTTP/1.1\r\nHost: depot\r\nX-Slow: ');
  const said = await text(slow);
  t.regex(said, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  await text(silent);
  t.true(silent.destroyed || silent.readableEnded);
});

test('a download that takes longer than every timeout goes on as long as its client reads', async (t) => {
  const chunks = 12;
  const slowly = async function* (): AsyncGenerator<string> {
    for (let index = 0; index < chunks; index += 1) {
      await wait(150);
      yield 'x'.repeat(1000);
    }
  };
  const { url } = await startListener(t, {
    headersTimeout: 300,
    writeStallTimeout: 1000,
    handler: (_request, response) => Readable.from(slowly()).pipe(response),
  });
  const [answer] = (await once(get(url), 'response')) as [Readable];
  t.is((await text(answer)).length, chunks * 1000);
});

test('a client that takes nothing of its answer is cut after the stall timeout', async (t) => {
  const body = Buffer.alloc(64 << 20);
  let cut: () => void = () => undefined;
  const isCut = new Promise<void>((resolve) => {
    cut = resolve;
  });
  const { port } = await startListener(t, {
    writeStallTimeout: 500,
    handler: (request, response) => {
      request.socket.once('close', () => cut());
      response.end(body);
    },
  });
  const socket = await openSocket(t, port);
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: depot\r\n\r\n');
  await isCut;
  t.true(
    await text(socket).then(
      (said) => said.length < body.length,
      () => true,
    ),
  );
});

test('so is one that stalls in a later answer of its connection, behind many small ones', async (t) => {
  const large = Buffer.alloc(64 << 20);
  const small = Buffer.from('small\n');
  let cut: () => void = () => undefined;
  const isCut = new Promise<void>((resolve) => {
    cut = resolve;
  });
  const { port } = await startListener(t, {
    writeStallTimeout: 500,
    handler: (request, response) => {
      if (request.url === '/large') {
        request.socket.once('close', () => cut());
      }
      response.end(request.url === '/large' ? large : small);
    },
  });
  const socket = await openSocket(t, port);
  const ask = (path: string): boolean => socket.write(`GET ${path} HTTP/1.1\r\nHost: depot\r\n\r\n`);
  for (let count = 0; count < 20; count += 1) {
    ask('/small');
    await once(socket, 'data');
  }
  socket.pause();
  ask('/large');
  await isCut;
  t.true(
    await text(socket).then(
      (said) => said.length < large.length,
      () => true,
    ),
  );
});

test('the stop takes no new connection, closes idle ones and lets a running download finish', async (t) => {
  let release: () => void = () => undefined;
  const { port, url, close } = await startListener(t, {
    handler: (request, response) => {
      response.write('begun ');
      if (request.url === '/slow') {
        release = () => response.end('finished\n');
      } else {
        response.end('done\n');
      }
    },
  });
  const [idle, silent] = [await openSocket(t, port), await openSocket(t, port)];
  idle.write('GET / HTTP/1.1\r\nHost: depot\r\n\r\n');
  await once(idle, 'data');
  const [answer] = (await once(get(`${url}/slow`), 'response')) as [Readable];

  const closed = close(10_000);
  await Promise.all([text(idle), text(silent)]);
  const refused = connect(port, '127.0.0.1');
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  // Reset, where another process was given the port meanwhile.
  t.regex(error.code ?? '', /^ECONN(?:REFUSED|RESET)$/);
  release();
  t.is(await text(answer), 'begun finished\n');
  await closed;
});

test('what still runs when the grace is over is cut, and the log says how much', async (t) => {
  const log = createKeptLog();
  const { url, close } = await startListener(t, {
    log,
    handler: (_request, response) => response.write('begun'),
  });
  const [answer] = (await once(get(url), 'response')) as [Readable];
  const failed = t.throwsAsync(text(answer));
  await close(100);
  await failed;
  t.regex(
    log.lines.find(({ level }) => level === 'warn')?.message ?? '',
    /^1 request still running 0\.1 s after the stop/,
  );
});

test('a malformed request gets 400, too many header bytes 431, CONNECT and unknown methods 405, and none reaches the handler', async (t) => {
  const log = createKeptLog();
  let calls = 0;
  const { port } = await startListener(t, { log, handler: () => (calls += 1) });
  t.regex(await exchange(t, port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/);
  t.regex(await exchange(t, port, '\x16\x03\x01\x02\x00\x01\x00'), /^HTTP\/1\.1 400 Bad Request\r\n/);
  const large = `GET / HTTP/1.1\r\nHost: depot\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`;
  t.regex(await exchange(t, port, large), /^HTTP\/1\.1 431 /);
  t.regex(
    await exchange(t, port, 'CONNECT depot:443 HTTP/1.1\r\nHost: depot\r\n\r\n'),
    /^HTTP\/1\.1 405 [^]*Allow: GET, HEAD\r\n/,
  );
  t.regex(
    await exchange(t, port, 'FOO /search HTTP/1.1\r\nHost: depot\r\n\r\n'),
    /^HTTP\/1\.1 405 [^]*Allow: GET, HEAD\r\n/,
  );
  t.is(calls, 0);
  t.true(log.lines.every(({ level }) => level === 'debug'));
  t.is(log.lines.length, 4);
});

test('a request line with an absolute address reaches the handler as it was sent', async (t) => {
  const { port } = await startListener(t, { handler: (request, response) => response.end(request.url) });
  const said = await exchange(
    t,
    port,
    'GET http://depot:8080/search?all=true HTTP/1.1\r\nHost: depot\r\nConnection: close\r\n\r\n',
  );
  t.true(said.endsWith('\r\n\r\nhttp://depot:8080/search?all=true'));
});

test('an address that is taken, or not of this machine, is one line with flag and variable', async (t) => {
  const { port } = await startListener(t, { handler: hello });
  const attempt = (host: string, at: number) =>
    t.throwsAsync(
      listen({
        address: { host, port: at },
        setting: { flag: '-address', variable: 'EPR_ADDRESS' },
        handler: hello,
        log: createKeptLog(),
        writeStallTimeout: 1000,
      }),
      { instanceOf: DepotError, code: 'LISTEN_FAILED' },
    );
  t.is(
    (await attempt('127.0.0.1', port))?.message,
    `-address (EPR_ADDRESS): cannot listen on 127.0.0.1:${port}: another program listens there`,
  );
  t.regex((await attempt('192.0.2.1', 0))?.message ?? '', /this machine does not have that address$/);
});

test('localhost is 127.0.0.1, and an empty host is every address', async (t) => {
  const named = await startListener(t, { handler: hello, address: { host: 'localhost', port: 0 } });
  t.is(named.url, `http://localhost:${named.port}`);
  t.regex(await exchange(t, named.port, 'GET / HTTP/1.0\r\n\r\n'), /hello\n$/);
  const all = await startListener(t, { handler: hello, address: { host: '', port: 0 } });
  t.is(all.url, `http://localhost:${all.port}`);
  t.regex(await exchange(t, all.port, 'GET / HTTP/1.0\r\n\r\n'), /hello\n$/);
});

/** A listener with TLS, and the certificate that it shows. */
const startSecure = async (
  t: ExecutionContext,
  options: { readonly headersTimeout?: number } = {},
): Promise<Listener & { readonly cert: string }> => {
  const files = await selfSigned(await scratch(t), 'depot');
  const [cert, key] = [await readFile(files.cert, 'utf8'), await readFile(files.key, 'utf8')];
  const identity = { options: () => ({ cert, key }), onRenewal: () => () => undefined };
  return { ...(await startListener(t, { handler: hello, identity, ...options })), cert };
};

test('who asks a port with TLS for plain HTTP is told so, and the others go on', async (t) => {
  const { port, cert, close } = await startSecure(t);
  const said = await exchange(t, port, 'GET /health HTTP/1.1\r\nHost: depot\r\n\r\n');
  t.regex(said, /^HTTP\/1\.1 400 Bad Request\r\n/);
  t.regex(said, /\r\n\r\nthis port speaks HTTPS; ask it with https:\/\/\n$/);
  t.is(await exchange(t, port, 'this is neither\r\n'), '', 'nothing plain for what is no request');
  const secure = getSecure({ port, host: '127.0.0.1', path: '/', ca: cert, agent: false });
  const [answer] = (await once(secure, 'response')) as [Readable];
  t.is(await text(answer), 'hello\n');
  await close(0);
});

test('a client of a port with TLS that never shakes hands is cut', async (t) => {
  const { port } = await startSecure(t, { headersTimeout: 300 });
  const [silent, torn] = [await openSocket(t, port), await openSocket(t, port)];
  // The beginning of a ClientHello.
  torn.write(Buffer.from('160301020001000', 'hex'));
  t.deepEqual([await text(silent), await text(torn)], ['', '']);
});

test('a request that was answered before the rest of it turned out broken gets no second answer', async (t) => {
  const { port } = await startListener(t, { handler: hello });
  const socket = await openSocket(t, port);
  socket.write('POST / HTTP/1.1\r\nHost: depot\r\nTransfer-Encoding: chunked\r\n\r\n');
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.write('no chunk\r\n');
  const said = first.toString('latin1') + (await text(socket));
  t.is(said.match(/HTTP\/1\.1 /g)?.length, 1, said);
  t.true(said.endsWith('hello\n'), said);
});

test('an answer that waits behind another is told of the end of its connection', async (t) => {
  const ended: string[] = [];
  const { port } = await startListener(t, {
    handler: (request, response) => {
      response.once('close', () => ended.push(request.url ?? ''));
      response.write('begun ');
    },
  });
  const socket = await openSocket(t, port);
  const paths = Array.from({ length: 100 }, (_, at) => `/${at}`);
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: depot\r\n\r\n`).join(''));
  await once(socket, 'data');
  t.deepEqual(ended, []);
  socket.destroy();
  await eventually('all are told', () => ended.length === 100);
  t.deepEqual(ended.toSorted(), paths.toSorted());
});

test('what is no request behind one that is being answered cuts the connection, and never stands in the answer', async (t) => {
  const { port } = await startListener(t, {
    handler: (_request, response) => {
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('begun');
    },
  });
  const said = await exchange(t, port, 'GET / HTTP/1.1\r\nHost: depot\r\n\r\nno request\r\n\r\n');
  t.regex(said, /\r\n\r\n(?:begun)?$/);
  t.is(said.match(/HTTP\/1\.1 /g)?.length, 1, said);
});
