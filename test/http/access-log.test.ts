import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { get, talk } from '../support/client.ts';
import { writeZipPackage } from '../support/packages.ts';
import { serveFolder, type ServedFolder } from '../support/served-folder.ts';
import type { LogLine } from '../support/server.ts';

const serve = (t: ExecutionContext): Promise<ServedFolder> =>
  serveFolder(t, (root) => writeZipPackage(root, { files: { 'large.bin': randomBytes(20_000_000) } }));

/** Lines come when the answer has gone out, which a client may see first. */
const requestLines = async (server: ServedFolder, count: number): Promise<LogLine[]> => {
  for (let tries = 0; tries < 500; tries++) {
    const lines = server.lines.filter(({ fields }) => fields['event.action'] === 'request');
    if (lines.length >= count) {
      return lines;
    }
    await delay(10);
  }
  throw new Error(`${count} lines were expected`);
};

test('each request is one line that says who asked what, and what was answered', async (t) => {
  const server = await serve(t);
  const headers = { 'user-agent': 'Kibana/9.2.0 node-fetch', 'x-request-id': 'proxy-17' };
  const reply = await get(server.url, '/search?package=demo&kibana.version=9.2.0', { headers });
  t.is(reply.header('x-request-id'), 'proxy-17');
  const [line] = await requestLines(server, 1);
  t.is(line?.level, 'info');
  t.like(line?.fields, {
    'http.request.id': 'proxy-17',
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.response.body.bytes': reply.body.length,
    'url.path': '/search',
    'url.query': 'package=demo&kibana.version=9.2.0',
    'client.address': '127.0.0.1',
    'user_agent.original': 'Kibana/9.2.0 node-fetch',
    'fleet_depot.kibana.version': '9.2.0',
  });
  const duration = line?.fields['event.duration'];
  t.true(Number.isInteger(duration) && Number(duration) > 0);
});

test('an id is made where none comes, or where it is none', async (t) => {
  const server = await serve(t);
  const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
  t.regex((await get(server.url, '/')).header('x-request-id') ?? '', uuid);
  for (const id of ['a b', '"x"', 'x'.repeat(129), '{}']) {
    t.regex(
      (await get(server.url, '/', { headers: { 'x-request-id': id } })).header('x-request-id') ?? '',
      uuid,
    );
  }
});

test('refusals, redirects, copies that are still good and HEAD are lines too', async (t) => {
  const server = await serve(t);
  const etag = (await get(server.url, '/search')).header('etag') ?? '';
  await get(server.url, '/search', { headers: { 'if-none-match': etag } });
  await get(server.url, '/search', { method: 'HEAD' });
  await get(server.url, '/nosuch');
  await get(server.url, '//search');
  await get(server.url, '/search', { method: 'POST' });
  const lines = await requestLines(server, 6);
  t.deepEqual(
    lines.map(({ fields }) => [
      fields['http.response.status_code'],
      fields['http.response.body.bytes'] === 0,
    ]),
    [
      [200, false],
      [304, true],
      [200, true],
      [404, false],
      [301, true],
      [405, false],
    ],
  );
});

test('health is no line at info', async (t) => {
  const server = await serve(t);
  await get(server.url, '/health');
  await get(server.url, '/health?live=true');
  await get(server.url, '//health');
  await get(server.url, '/');
  const lines = await requestLines(server, 4);
  t.deepEqual(
    lines.filter(({ level }) => level === 'info').map(({ fields }) => fields['url.path']),
    ['/'],
  );
});

test('a client that leaves in the middle is 499, with what it got, and no error', async (t) => {
  const server = await serve(t);
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname, () =>
    socket.write('GET /epr/demo/demo-1.0.0.zip HTTP/1.1\r\nHost: x\r\n\r\n'),
  );
  socket.pause();
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    socket.once('readable', () => resolve());
  });
  socket.destroy();
  const [line] = await requestLines(server, 1);
  t.is(line?.fields['http.response.status_code'], 499);
  const bytes = Number(line?.fields['http.response.body.bytes']);
  t.true(bytes > 0 && bytes < 20_000_000, String(bytes));
  t.deepEqual(
    server.lines.filter(({ level }) => level === 'error' || level === 'warn'),
    [],
  );
  t.is((await get(server.url, '/epr/demo/demo-1.0.0.zip', { method: 'HEAD' })).status, 200);
});

test('what is no HTTP is answered 400 and fills no log', async (t) => {
  const server = await serve(t);
  t.regex(await talk(server.url, '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'), /^HTTP\/1\.1 400 /);
  t.regex(
    await talk(server.url, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  );
  t.regex(await talk(server.url, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'), /^HTTP\/1\.1 405 /);
  t.deepEqual(
    server.lines.filter(({ level, fields }) => level !== 'debug' && fields['event.action'] === 'bad-request'),
    [],
  );
});
