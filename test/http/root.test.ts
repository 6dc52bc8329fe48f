import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { get, talk } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { serveFolder, serverFor } from '../support/served-folder.ts';
import { startServer } from '../support/server.ts';

const server = serverFor(test, (root) => writeZipPackage(root));

for (const path of ['/', '/index.json']) {
  test(`${path} says what this is`, async (t) => {
    const reply = await get(server().url, path);
    isCacheable(t, reply, 10, 'application/json');
    t.regex(reply.text, /^\{\n {2}"service\.name": "fleet-depot",\n {2}"service\.version": "[\w.-]+"\n\}\n$/);
    isSameHead(t, await get(server().url, path, { method: 'HEAD' }), reply);
  });
}

test('/favicon.ico is an icon, whole or in parts', async (t) => {
  const reply = await get(server().url, '/favicon.ico');
  isCacheable(t, reply, 600, 'image/x-icon');
  t.is(reply.header('content-length'), String(reply.body.length));
  isSameHead(t, await get(server().url, '/favicon.ico', { method: 'HEAD' }), reply);
});

test('what has no route is 404', async (t) => {
  for (const path of [
    '/nosuch',
    '/package',
    '/package/',
    '/package/demo',
    '/epr',
    '/epr/demo',
    '/Search',
    '/epr/x/demo.zip',
  ]) {
    isRefused(t, await get(server().url, path), 404, '404 page not found');
  }
});

test('a method other than GET and HEAD is 405 and says which are allowed', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    for (const path of ['/', '/search', '/package/demo/1.0.0/', '/epr/demo/demo-1.0.0.zip', '/nosuch']) {
      const reply = await get(server().url, path, { method });
      isRefused(t, reply, 405, 'method not allowed');
      t.is(reply.header('allow'), 'GET, HEAD');
    }
  }
});

test('a broken percent escape is 400', async (t) => {
  for (const path of ['/%', '/%zz', '/package/demo/1.0.0/%2']) {
    isRefused(t, await get(server().url, path), 400, 'bad request');
  }
});

test('a request without exactly one sound host is 400, but for HTTP/1.0, which knows none', async (t) => {
  const ask = (head: string): Promise<string> =>
    talk(server().url, `GET /index.json ${head}\r\nConnection: close\r\n\r\n`);
  for (const head of [
    'HTTP/1.1',
    'HTTP/1.1\r\nHost: a\r\nHost: a',
    'HTTP/1.1\r\nHost: a\r\nhOST: b',
    'HTTP/1.0\r\nHost: a\r\nHost: b',
    'HTTP/1.1\r\nHost: a b',
    'HTTP/1.1\r\nHost: a/b',
    'HTTP/1.1\r\nHost: [a b]',
  ]) {
    const answer = await ask(head);
    t.regex(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, head);
    t.true(answer.endsWith('\r\n\r\nbad request\n'), head);
  }
  for (const head of [
    'HTTP/1.0',
    'HTTP/1.1\r\nHost:',
    'HTTP/1.1\r\nHost: epr_1.example:8080',
    'HTTP/1.1\r\nHost: [::1]:8080',
    'HTTP/1.1\r\nHost: 10.0.0.1',
  ]) {
    t.regex(await ask(head), /^HTTP\/1\.1 200 OK\r\n/, head);
  }
});

test('the times that clients may keep answers are settings', async (t) => {
  const own = await serveFolder(t, (root) => writeZipPackage(root), {
    flags: {
      'cache-time-index': '1m',
      'cache-time-search': '1h30m',
      'cache-time-categories': '1500ms',
      'cache-time-catch-all': '0s',
    },
  });
  const seconds = {
    '/': 60,
    '/package/demo/1.0.0/': 60,
    '/search': 5400,
    '/categories': 1,
    '/epr/x/demo-1.0.0.zip': 0,
  };
  for (const [path, age] of Object.entries(seconds)) {
    t.deepEqual((await get(own.url, path)).lines('cache-control'), [`max-age=${age}`, 'public'], path);
  }
});

test('without packages the lists are empty and the log says so', async (t) => {
  const own = await serveFolder(t, async () => undefined);
  t.is((await get(own.url, '/search')).text, '[]');
  t.is((await get(own.url, '/categories')).text, '[]\n');
  t.true(
    own.lines.some(({ level, message }) => level === 'warn' && message.includes('there are no packages')),
  );
});

test('a server that listens on every address says so', async (t) => {
  const messageOf = async (address: string): Promise<string> => {
    const own = await startServer({ flags: { address } });
    t.teardown(() => own.close());
    return own.lines.find(({ fields }) => fields['event.action'] === 'listening')?.message ?? '';
  };
  for (const address of ['0.0.0.0:0', ':0']) {
    t.regex(
      await messageOf(address),
      /^listening at http:\/\/localhost:\d+, on every address of this machine$/,
    );
  }
  t.regex(await messageOf('127.0.0.1:0'), /^listening at http:\/\/127\.0\.0\.1:\d+$/);
});

test('a package path that is hardly what was meant is told: a depot, an archive, nothing', async (t) => {
  const root = await scratch(t);
  const depot = join(root, 'depot');
  await mkdir(join(depot, 'snapshots', '1'), { recursive: true });
  await writeFile(join(depot, 'depot.json'), '{}');
  const archive = await writeZipPackage(join(depot, 'snapshots', '1'));
  const own = await startServer({ packagePaths: [depot, archive, join(root, 'gone')] });
  t.teardown(() => own.close());
  t.regex((await get(own.url, '/search')).text, /"demo"/);
  const told = own.lines.filter(({ fields }) => fields['event.action'] === 'package-path');
  t.deepEqual(
    told.map(({ level, message }) => [
      level,
      message.replaceAll(root, '').replace(/ \(-package-paths.*/, ''),
    ]),
    [
      ['warn', '/depot is a depot: name /depot/current, or the packages of all its snapshots are served'],
      ['warn', `${archive.replace(root, '')} is no folder: name the one that it lies in`],
      ['warn', '/gone is not there'],
    ],
  );
});
