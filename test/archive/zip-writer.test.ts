import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import * as fc from 'fast-check';
import { openPromise } from 'yauzl';
import { compareBytes } from '../../src/archive/byte-order.ts';
import { openZip } from '../../src/archive/zip-reader.ts';
import { writeZip } from '../../src/archive/zip-writer.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { scratch } from '../support/scratch.ts';

const input = (path: string, content = path) => ({ path, read: () => Promise.resolve(Buffer.from(content)) });

test('the same files give the same bytes in every order and time zone', async (t) => {
  const inputs = ['b', 'a/x', 'a-b', 'ä', 'docs/README.md', '😀', '\uffee'].map((path) =>
    input(path, path.repeat(500)),
  );
  const bytes = await buffer(writeZip('demo-1.0.0', inputs));
  t.deepEqual(await buffer(writeZip('demo-1.0.0', inputs.toReversed())), bytes);
  const script = `
    import { buffer } from 'node:stream/consumers';
    import { writeZip } from ${JSON.stringify(new URL('../../src/archive/zip-writer.js', import.meta.url).href)};
    const paths = ${JSON.stringify(inputs.map((each) => each.path))};
    const zip = writeZip('demo-1.0.0', paths.map((path) => ({ path, read: async () => Buffer.from(path.repeat(500)) })));
    process.stdout.write((await buffer(zip)).toString('base64'));`;
  for (const zone of ['UTC', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia']) {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TZ: zone },
    });
    t.is(output.toString(), bytes.toString('base64'), zone);
  }
});

test('entries are sorted, below the top folder, with a fixed time and mode', async (t) => {
  const path = join(await scratch(t), 'x.zip');
  await writeFile(
    path,
    await buffer(writeZip('demo-1.0.0', [input('b'), input('a/x'), input('a.b'), input('empty', '')])),
  );
  const found: unknown[] = [];
  for await (const entry of (await openPromise(path)).eachEntry()) {
    found.push([
      entry.fileName,
      entry.getLastModDate({ timezone: 'UTC' }).toISOString(),
      (entry.externalFileAttributes >>> 16).toString(8),
    ]);
  }
  t.deepEqual(
    found,
    ['a.b', 'a/x', 'b', 'empty'].map((name) => [`demo-1.0.0/${name}`, '1980-01-01T12:00:00.000Z', '100644']),
  );
});

test('what is written is read again, whatever the content', async (t) => {
  const path = join(await scratch(t), 'x.zip');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 5000 }), { minLength: 1, maxLength: 8 }),
      async (contents) => {
        const inputs = contents.map((content, at) => ({
          path: `f/${at}`,
          read: () => Promise.resolve(content),
        }));
        await writeFile(path, await buffer(writeZip('top', inputs)));
        const zip = await openZip(path, testLimits);
        const back = await Promise.all(contents.map((_, at) => zip.read(`top/f/${at}`)));
        await zip.close();
        return back.every((content, at) => content.equals(contents[at] ?? new Uint8Array()));
      },
    ),
    { numRuns: 50 },
  );
  t.pass();
});

test('an input that fails ends the archive with its error', async (t) => {
  const failing = { path: 'b', read: () => Promise.reject(new Error('gone')) };
  await t.throwsAsync(buffer(writeZip('top', [input('a'), failing, input('c')])), { message: 'gone' });
});

test('an archive that nobody reads to its end makes no trouble', async (t) => {
  const zip = writeZip(
    'top',
    Array.from({ length: 50 }, (_, at) => input(String(at), 'x'.repeat(100_000))),
  );
  for await (const piece of zip) {
    t.true((piece as Buffer).length > 0);
    break;
  }
  t.true(zip.destroyed);
});

test('texts are ordered as their bytes', (t) => {
  const plane = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\uffee', '😀', 'a', 'a-b'));
  t.notThrows(() =>
    fc.assert(
      fc.property(
        plane,
        plane,
        (a, b) => Math.sign(compareBytes(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b)),
      ),
    ),
  );
});
