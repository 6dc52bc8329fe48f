import test from 'ava';
import fc from 'fast-check';
import { chooseEncoding } from '../../src/http/encoding.ts';
import { get } from '../support/client.ts';
import { isSameHead } from '../support/headers.ts';
import { writeZipPackage } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

const server = serverFor(test, (root) => writeZipPackage(root, { manifest: { title: 'Überschrift 😀' } }));

const choices: Readonly<Record<string, 'gzip' | 'identity'>> = {
  '': 'identity',
  gzip: 'gzip',
  GZIP: 'gzip',
  'x-gzip': 'gzip',
  'gzip,deflate': 'gzip',
  'deflate, gzip;q=1.0, *;q=0.5': 'gzip',
  'br;q=1.0, gzip;q=0.8': 'gzip',
  '*': 'gzip',
  'gzip;q=0': 'identity',
  'gzip; q=0.000': 'identity',
  'gzip;q=0.001': 'gzip',
  'gzip;q=0, *': 'identity',
  '*, gzip;q=0': 'identity',
  '*;q=0': 'identity',
  identity: 'identity',
  'deflate, br': 'identity',
  'identity;q=1, gzip;q=0.5': 'identity',
  'identity;q=0.5, gzip;q=0.5': 'gzip',
  gzipped: 'identity',
};

for (const [header, expected] of Object.entries(choices)) {
  test(`"${header}" gets ${expected}`, async (t) => {
    t.is(chooseEncoding(header), expected);
    const reply = await get(server().url, '/search', { headers: { 'accept-encoding': header } });
    t.is(reply.header('content-encoding'), expected === 'gzip' ? 'gzip' : undefined);
  });
}

test('no header gets identity', (t) => {
  t.is(chooseEncoding(undefined), 'identity');
});

test('several headers count as one', (t) => {
  t.is(chooseEncoding(['br', 'gzip']), 'gzip');
});

test('any header gets an encoding, and gzip only where it is named or a star is', (t) => {
  const words = fc.constantFrom('gzip', 'x-gzip', '*', 'br', 'identity', ';q=0', ';q=1', ',', ' ', ';', '=');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((list) => list.join('')),
      ),
      (header) => {
        const chosen = chooseEncoding(header);
        return chosen === 'identity' || (chosen === 'gzip' && /gzip|\*/i.test(header));
      },
    ),
  );
  t.pass();
});

test('JSON through gzip is the same JSON, and caches are told', async (t) => {
  for (const path of ['/search', '/categories', '/package/demo/1.0.0/', '/search?package=nosuch']) {
    const headers = { 'accept-encoding': 'gzip, deflate' };
    const [plain, zipped] = [await get(server().url, path), await get(server().url, path, { headers })];
    t.is(zipped.header('content-encoding'), 'gzip');
    t.is(zipped.text, plain.text);
    for (const reply of [plain, zipped]) {
      t.is(reply.header('vary'), 'Accept-Encoding');
      t.is(reply.header('content-length'), String(reply.body.length));
      t.true(reply.header('transfer-encoding') === undefined);
    }
    isSameHead(t, await get(server().url, path, { headers, method: 'HEAD' }), zipped);
  }
});
