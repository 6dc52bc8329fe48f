import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { get, type Reply } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';
import { packageFiles, writeFolderPackage, zipBytes, writeZipPackage } from '../support/packages.ts';
import { serveFolder, type ServedFolder } from '../support/served-folder.ts';

// More than sockets and streams hold between them, so that a client that doesn't read holds the server up.
const large = { files: { 'large.bin': randomBytes(40_000_000) } };
const archive = '/epr/demo/demo-1.0.0.zip';

const serve = (t: ExecutionContext): Promise<ServedFolder> =>
  serveFolder(t, (root) => writeZipPackage(root, large));

/** Begins a download and leaves it where the head is there and a little of the body is on its way. */
const begin = (url: string, path: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { agent: false }, (incoming) => {
      incoming.pause();
      resolve(incoming);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });

/** A file that the index doesn't know yet is 503 for a moment: the client is to come back. */
const getLater = async (url: string, headers: Record<string, string> = {}): Promise<Reply> => {
  for (let tries = 0; tries < 300; tries++) {
    const reply = await get(url, archive, { headers });
    if (reply.status !== 503) {
      return reply;
    }
    await delay(50);
  }
  throw new Error('the index never learned of the new file');
};

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('an archive that is replaced while it is sent is sent to its end as it was', async (t) => {
  const { url, root } = await serve(t);
  const path = join(root, 'demo-1.0.0.zip');
  const before = digest(await readFile(path));
  const download = await begin(url, archive);
  await writeFile(`${path}.new`, await zipBytes('demo-1.0.0', packageFiles()));
  await rename(`${path}.new`, path);
  t.is(digest(await buffer(download)), before);
});

test('an archive that is removed while it is sent is sent to its end, and not found after that', async (t) => {
  const { url, root } = await serve(t);
  const path = join(root, 'demo-1.0.0.zip');
  const before = digest(await readFile(path));
  const download = await begin(url, archive);
  await rm(path);
  t.is(digest(await buffer(download)), before);
  const reply = await get(url, archive);
  t.true([404, 503].includes(reply.status), String(reply.status));
  t.deepEqual(reply.lines('cache-control'), ['max-age=0', 'private, no-store']);
});

test('an archive that is cut short while it is sent ends the connection, and leaves nobody waiting', async (t) => {
  const { url, root } = await serve(t);
  const download = await begin(url, archive);
  await truncate(join(root, 'demo-1.0.0.zip'), 1_000_000);
  await t.throwsAsync(buffer(download), { code: 'ECONNRESET' });
  t.is((await get(url, '/health')).status, 200);
});

test('an archive that is larger or smaller than it was is sent with its own length', async (t) => {
  const { url, root } = await serve(t);
  const bytes = await zipBytes('demo-1.0.0', packageFiles());
  await writeFile(join(root, 'demo-1.0.0.zip'), bytes);
  const reply = await getLater(url);
  t.is(reply.status, 200);
  t.is(reply.header('content-length'), String(bytes.length));
  t.deepEqual(reply.body, bytes);
});

test('an archive that is replaced has another ETag, and a part of the old one is not mixed with the new', async (t) => {
  const { url, root } = await serve(t);
  const old = await get(url, archive);
  await writeFile(join(root, 'demo-1.0.0.zip'), await zipBytes('demo-1.0.0', packageFiles()));
  const headers = { range: 'bytes=100-', 'if-range': old.header('etag') ?? '' };
  const reply = await getLater(url, headers);
  t.is(reply.status, 200);
  t.not(reply.header('etag'), old.header('etag'));
});

test.serial('many clients that leave in the middle leave no file open', async (t) => {
  const { url } = await serve(t);
  const openFiles = async (): Promise<number> => {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return links.filter((link) => link.includes('demo-1.0.0.zip')).length;
  };
  if (process.platform !== 'linux') {
    t.log('skipped: open files are counted in /proc');
    t.pass();
    return;
  }
  // The index may still have it open for a moment.
  for (let tries = 0; tries < 500 && (await openFiles()) > 0; tries++) {
    await delay(10);
  }
  const before = await openFiles();
  const downloads = await Promise.all(Array.from({ length: 20 }, () => begin(url, archive)));
  t.true((await openFiles()) >= before + 20);
  for (const download of downloads) {
    download.destroy();
  }
  for (let tries = 0; tries < 500 && (await openFiles()) > before; tries++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  t.is(await openFiles(), before);
});

test('a folder that is changed while its archive is sent is sent to its end as it was', async (t) => {
  const { url, root } = await serveFolder(t, (folder) => writeFolderPackage(folder, large));
  const whole = await get(url, archive);
  const download = await begin(url, archive);
  await writeFile(join(root, 'demo', '1.0.0', 'large.bin'), 'small');
  t.is(digest(await buffer(download)), digest(whole.body));
});

test('a client that asks for archives ahead without reading holds one open, and nothing when it has left', async (t) => {
  const { url, root, metrics } = await serve(t);
  const opened = async (): Promise<number> => {
    const links = (await readdir('/proc/self/fd')).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ''),
    );
    return (await Promise.all(links)).filter((link) => link === join(root, 'demo-1.0.0.zip')).length;
  };
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.pause();
  socket.write(`GET ${archive} HTTP/1.1\r\nHost: depot\r\n\r\n`.repeat(300));
  await eventually('the first is on its way', async () => (await opened()) > 0);
  const others = await Promise.all(Array.from({ length: 5 }, () => get(url, '/health')));
  t.true(others.every(({ status }) => status === 200));
  t.is(await opened(), 1);
  socket.destroy();
  await eventually('it is closed', async () => (await opened()) === 0);
  await eventually('nothing is in flight', async () => /^epr_in_flight_requests 0$/m.test(await metrics()));
});
