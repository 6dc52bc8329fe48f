import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createBodyMemory } from '../../../src/mirror/transfer/body-memory.ts';
import { downloadPart } from '../../../src/mirror/transfer/download.ts';
import { createClient } from '../../../src/net/client.ts';
import { createHostPolicy } from '../../../src/net/upstream-hosts.ts';
import { eventually } from '../../support/eventually.ts';

test('a connection that is cut while a body waits for room is a fault that passes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'download-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const content = Buffer.alloc(5000, 'a');
  let asked = 0;
  let isCut = false;
  const server = createServer((request, response) => {
    asked += 1;
    response.writeHead(200, { 'content-length': content.length, 'content-type': 'application/zip' });
    if (asked > 1) {
      response.end(content);
    } else {
      response.once('close', () => (isCut = true));
      response.write(content.subarray(0, 100), () => response.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const client = createClient({
    proxy: { noProxy: '' },
    proxyHeaders: {},
    proxyTls: {},
    tls: {},
    connections: 1,
    connectTimeout: 10_000,
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
    userAgent: 'test',
  });
  t.teardown(() => client.close());
  const memory = createBodyMemory(10_000, 10_000);
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a-1.0.0.zip`);
  const counted: number[] = [];
  const downloaded = await downloadPart(
    {
      url,
      part: join(folder, 'part'),
      facts: join(folder, 'facts'),
      mayResume: false,
      limit: 10_000,
      memory: {
        ...memory,
        take: async (bytes) => {
          await eventually('the connection is cut', () => isCut);
          return memory.take(bytes);
        },
      },
      onBytes: (count) => counted.push(count),
    },
    {
      client,
      policy: createHostPolicy([url], []),
      retry: { attempts: 3, firstDelay: 1, maxDelay: 1, maxRetryAfter: 0 },
    },
  );
  t.is(asked, 2);
  t.true(downloaded.place?.bytes.equals(content));
  t.is(
    counted.reduce((sum, count) => sum + count, 0),
    content.length,
  );
});
