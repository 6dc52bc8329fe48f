import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { get as getOverTls } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { ReusableFile } from '../../src/http/pieces.ts';
import type { ServerIdentity } from '../../src/http/server.ts';
import { createTransfers, type Transfers } from '../../src/http/transfers.ts';
import { createFileOpener } from '../../src/source/file-opener.ts';
import { openServedFile } from '../../src/source/served-file.ts';
import { lacksOpenssl } from '../support/authority.ts';
import { selfSigned } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { startListener } from '../support/listener.ts';
import { scratch } from '../support/scratch.ts';

interface Site {
  readonly url: string;
  readonly path: string;
  readonly content: Buffer;
  readonly transfers: Transfers;
}

const memory = 8 * 1024 * 1024;

const makeIdentity = async (folder: string): Promise<ServerIdentity> => {
  const { cert, key } = await selfSigned(folder, 'site');
  const options = { cert: await readFile(cert), key: await readFile(key) };
  return { options: () => options, onRenewal: () => () => undefined };
};

/** A real file behind a real server; `?from=N&to=N` asks for a part. */
const serve = async (t: ExecutionContext, size: number, isTls = false): Promise<Site> => {
  const folder = await scratch(t);
  const path = join(folder, 'large.bin');
  const content = randomBytes(size);
  await writeFile(path, content);
  const transfers = createTransfers(memory);
  const opener = createFileOpener();
  const { url } = await startListener(t, {
    ...(isTls && { identity: await makeIdentity(folder) }),
    handler: async (request, response) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://depot');
      const file = (await openServedFile(opener, path, 'large.bin')) as ReusableFile;
      const from = Number(searchParams.get('from') ?? 0);
      const to = Number(searchParams.get('to') ?? file.size - 1);
      response.writeHead(200, { 'Content-Length': String(to - from + 1) });
      await transfers.send(response, file, from, to);
    },
  });
  return { url, path, content, transfers };
};

/** Asks, and leaves the body where it is. */
const begin = async (url: string): Promise<IncomingMessage> => {
  const asked = url.startsWith('https:')
    ? getOverTls(url, { agent: false, rejectUnauthorized: false })
    : get(url, { agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.pause();
  return answer;
};

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Digest of the whole body; `rest` milliseconds are waited after each megabyte. */
const read = async (answer: IncomingMessage, rest = 0): Promise<string> => {
  const hash = createHash('sha256');
  let count = 0;
  for await (const bytes of answer as AsyncIterable<Buffer>) {
    hash.update(bytes);
    count += bytes.length;
    if (rest > 0 && count > 1e6) {
      count = 0;
      await delay(rest);
    }
  }
  return hash.digest('hex');
};

/** Nothing runs, and no memory and no open file is left. */
const isOver = async (t: ExecutionContext, { transfers, path }: Site): Promise<void> => {
  await eventually('all transfers end', () => transfers.running === 0);
  t.is(transfers.held, 0);
  if (process.platform === 'linux') {
    await eventually('the file is closed', async () => {
      const links = await Promise.all(
        (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
      );
      return !links.includes(path);
    });
  }
};

for (const isTls of [false, true]) {
  test(`clients that download one file at once, each at its own pace, all get it whole${isTls ? ' over TLS' : ''}`, async (t) => {
    if (isTls && lacksOpenssl(t)) {
      return;
    }
    const site = await serve(t, 12_345_678, isTls);
    const answers = await Promise.all(Array.from({ length: 24 }, () => begin(site.url)));
    const digests = await Promise.all(answers.map((answer, index) => read(answer, (index % 4) * 20)));
    t.deepEqual(new Set(digests), new Set([digest(site.content)]));
    await isOver(t, site);
  });
}

test('parts that begin and end anywhere are those parts, beside clients that take the whole', async (t) => {
  const site = await serve(t, 3_000_001);
  const edge = 256 * 1024;
  const parts = [
    [0, 2_999_999],
    [1, 3_000_000],
    [edge - 1, edge],
    [edge, 2 * edge - 1],
    [edge + 7, 9 * edge + 5],
    [2 * edge - 1, 3 * edge],
    [0, edge - 1],
    [0, edge],
    [2_999_000, 3_000_000],
  ] as const;
  const wholes = Array.from({ length: 3 }, async () => read(await begin(site.url), 5));
  const got = await Promise.all(
    parts.map(async ([from, to]) => read(await begin(`${site.url}/?from=${from}&to=${to}`))),
  );
  t.deepEqual(
    got,
    parts.map(([from, to]) => digest(site.content.subarray(from, to + 1))),
  );
  t.deepEqual(new Set(await Promise.all(wholes)), new Set([digest(site.content)]));
  await isOver(t, site);
});

test('clients that leave in the middle take nothing from those who stay', async (t) => {
  const site = await serve(t, 20_000_000);
  const answers = await Promise.all(Array.from({ length: 20 }, () => begin(site.url)));
  const staying = answers.filter((_, index) => index % 2 === 0).map((answer) => read(answer));
  for (const [index, answer] of answers.entries()) {
    if (index % 2 === 1) {
      answer.once('error', () => undefined);
      answer.destroy();
    }
  }
  t.deepEqual(new Set(await Promise.all(staying)), new Set([digest(site.content)]));
  await isOver(t, site);
});

test('a file of the same name and size that replaces one that is sent is not mixed with it', async (t) => {
  const site = await serve(t, 40_000_000);
  const before = await Promise.all(Array.from({ length: 4 }, () => begin(site.url)));
  const renewed = randomBytes(site.content.length);
  await writeFile(`${site.path}.new`, renewed);
  await rename(`${site.path}.new`, site.path);
  const after = await Promise.all(Array.from({ length: 4 }, () => begin(site.url)));
  const all = Promise.all([...before, ...after].map((answer) => read(answer)));
  t.deepEqual(await all, [...before.map(() => digest(site.content)), ...after.map(() => digest(renewed))]);
  await isOver(t, site);
});

test('a file that is written to in its place is whole for nobody who began before', async (t) => {
  const site = await serve(t, 40_000_000);
  const answers = await Promise.all(Array.from({ length: 6 }, () => begin(site.url)));
  const renewed = randomBytes(site.content.length);
  // Never shorter in between: only its times tell of it.
  await writeFile(site.path, renewed, { flag: 'r+' });
  const ends = await Promise.allSettled(answers.map((answer) => read(answer)));
  t.deepEqual(
    ends.map(({ status }) => status),
    answers.map(() => 'rejected'),
  );
  t.is(await read(await begin(site.url)), digest(renewed));
  await isOver(t, site);
});

test('clients that take nothing hold a bounded amount of memory, and keep nobody from downloading', async (t) => {
  const site = await serve(t, 40_000_000);
  const clients = 60;
  const stalled = await Promise.all(
    Array.from({ length: clients }, (_, index) => begin(`${site.url}/?from=${index * 100_000}`)),
  );
  t.is(site.transfers.running, clients);
  t.is(await read(await begin(site.url)), digest(site.content));
  t.true(site.transfers.held > 0);
  t.true(site.transfers.held <= memory + clients * 16 * 1024, String(site.transfers.held));
  for (const answer of stalled) {
    answer.once('error', () => undefined);
    answer.destroy();
  }
  await isOver(t, site);
});

test('answers that are asked for in one go on one connection come whole and one after the other', async (t) => {
  const site = await serve(t, 3_000_000);
  const { hostname, port } = new URL(site.url);
  const socket = connect(Number(port), hostname);
  socket.write('GET / HTTP/1.1\r\nHost: depot\r\n\r\n'.repeat(2));
  socket.write('GET /?from=5&to=1000004 HTTP/1.1\r\nHost: depot\r\nConnection: close\r\n\r\n');
  const said = await buffer(socket);
  const bodies: string[] = [];
  for (let at = 0; at < said.length;) {
    const start = said.indexOf('\r\n\r\n', at) + 4;
    const length = Number(/content-length: (\d+)/i.exec(said.toString('latin1', at, start))?.[1]);
    bodies.push(digest(said.subarray(start, start + length)));
    at = start + length;
  }
  const whole = digest(site.content);
  t.deepEqual(bodies, [whole, whole, digest(site.content.subarray(5, 1_000_005))]);
  await isOver(t, site);
});
