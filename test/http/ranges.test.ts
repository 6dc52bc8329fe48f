import test from 'ava';
import { get, type Reply } from '../support/client.ts';
import { isSameHead } from '../support/headers.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

const server = serverFor(test, async (root) => {
  await writeZipPackage(root, { files: { 'digits.txt': '0123456789' } });
  await writeFolderPackage(root, { name: 'folder' });
});

const digits = '/package/demo/1.0.0/digits.txt';
const targets = [digits, '/epr/demo/demo-1.0.0.zip', '/epr/folder/folder-1.0.0.zip', '/favicon.ico'];
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> =>
  get(server().url, path, { headers, method });

for (const path of targets) {
  test(`parts of ${path} are what they are of the whole`, async (t) => {
    const whole = await ask(path);
    const size = whole.body.length;
    const parts: Readonly<Record<string, readonly [number, number]>> = {
      'bytes=0-0': [0, 0],
      'bytes=2-5': [2, 5],
      'bytes=3-': [3, size - 1],
      'bytes=-4': [size - 4, size - 1],
      'bytes=-99999999': [0, size - 1],
      'bytes=5-99999999': [5, size - 1],
    };
    for (const [range, [start, end]] of Object.entries(parts)) {
      const reply = await ask(path, { range });
      t.is(reply.status, 206, range);
      t.is(reply.header('content-range'), `bytes ${start}-${end}/${size}`, range);
      t.is(reply.header('content-length'), String(end - start + 1), range);
      t.deepEqual(reply.body, whole.body.subarray(start, end + 1), range);
      t.is(reply.header('etag'), whole.header('etag'), range);
      t.deepEqual(reply.lines('cache-control'), whole.lines('cache-control'), range);
      isSameHead(t, await ask(path, { range }, 'HEAD'), reply);
    }
  });

  test(`a part of ${path} that is not there is 416`, async (t) => {
    const size = (await ask(path)).body.length;
    for (const range of [`bytes=${size}-`, 'bytes=99999999-', 'bytes=-0']) {
      const reply = await ask(path, { range });
      t.is(reply.status, 416, range);
      t.is(reply.header('content-range'), `bytes */${size}`, range);
      t.deepEqual(reply.lines('cache-control'), ['max-age=0', 'private, no-store'], range);
      t.regex(reply.header('content-type') ?? '', /^text\/plain/);
      isSameHead(t, await ask(path, { range }, 'HEAD'), reply);
    }
  });

  test(`If-Range sends a part of ${path} only to who has the rest of it`, async (t) => {
    const whole = await ask(path);
    const [etag, modified] = [whole.header('etag') ?? '', whole.header('last-modified')];
    const status = async (condition: string): Promise<number> =>
      (await ask(path, { range: 'bytes=0-1', 'if-range': condition })).status;
    t.is(await status(etag), 206);
    t.is(await status('"other"'), 200);
    t.is(await status(`W/${etag}`), 200);
    t.is(await status('Mon, 01 Jan 2001 00:00:00 GMT'), 200);
    if (modified !== undefined) {
      t.is(await status(modified), 206);
    }
  });
}

test('several ranges, another unit and nonsense get the whole', async (t) => {
  for (const range of [
    'bytes=0-1,4-5',
    'lines=1-2',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes',
    'bytes=5-2',
    'x',
  ]) {
    const reply = await ask(digits, { range });
    t.is(reply.status, 200, range);
    t.is(reply.text, '0123456789', range);
    t.is(reply.header('content-range'), undefined, range);
  }
});

test('a part is one of the plain file, also for a client that takes gzip', async (t) => {
  const reply = await ask(digits, { range: 'bytes=2-4', 'accept-encoding': 'gzip' });
  t.is(reply.status, 206);
  t.is(reply.header('content-encoding'), undefined);
  t.is(reply.text, '234');
  const zipped = await ask(digits, { 'accept-encoding': 'gzip' });
  const resumed = await ask(digits, {
    range: 'bytes=2-4',
    'if-range': zipped.header('etag') ?? '',
    'accept-encoding': 'gzip',
  });
  t.is(resumed.status, 200);
  t.is(resumed.text, '0123456789');
});

test('a copy that is still good beats a range', async (t) => {
  const etag = (await ask(digits)).header('etag') ?? '';
  t.is((await ask(digits, { range: 'bytes=0-1', 'if-none-match': etag })).status, 304);
});
