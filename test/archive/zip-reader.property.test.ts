import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import test from 'ava';
import * as fc from 'fast-check';
import { openPromise } from 'yauzl';
import { entryNameProblem, nameBounds } from '../../src/archive/entry-names.ts';
import { openZip } from '../../src/archive/zip-reader.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { hostileZips, testLimits } from '../support/hostile-zips.ts';
import { scratch } from '../support/scratch.ts';
import { buildZip } from '../support/zip-builder.ts';

/** Undefined where all of it can be read, else why not. */
const ours = async (path: string): Promise<unknown> => {
  try {
    const zip = await openZip(path, testLimits);
    try {
      for (const name of zip.files.keys()) {
        await zip.read(name);
      }
    } finally {
      await zip.close();
    }
    return undefined;
  } catch (error) {
    return error;
  }
};

const yauzls = async (path: string): Promise<unknown> => {
  try {
    const zip = await openPromise(path, { strictFileNames: true });
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('/')) {
        await text(await zip.openReadStreamPromise(entry));
      }
    }
    return undefined;
  } catch (error) {
    return error;
  }
};

test('whatever yauzl refuses is refused', async (t) => {
  const path = join(await scratch(t), 'x.zip');
  let refused = 0;
  for (const hostile of hostileZips.filter((each) => each.isPackageRule !== true)) {
    await writeFile(path, hostile.bytes());
    if ((await yauzls(path)) !== undefined) {
      refused += 1;
      t.true((await ours(path)) instanceof DepotError, hostile.title);
    }
  }
  t.true(refused > 20, `${refused} of ${hostileZips.length}`);
});

const goodZip = buildZip([
  { name: 'demo-1.0.0/' },
  { name: 'demo-1.0.0/manifest.yml', content: 'name: demo\nversion: 1.0.0\n'.repeat(4) },
  { name: 'demo-1.0.0/docs/README.md', content: '# Demo', method: 0 },
  { name: 'demo-1.0.0/img/größe.svg', content: '<svg/>'.repeat(50), isStreamed: true },
  { name: 'demo-1.0.0/empty', content: '' },
]);

const changes = fc.array(
  fc.record({
    at: fc.nat({ max: goodZip.length - 1 }),
    byte: fc.nat({ max: 255 }),
    width: fc.constantFrom(1, 2, 4),
  }),
  { minLength: 1, maxLength: 4 },
);

test('a damaged archive gives its true content or a DepotError, and is refused where yauzl refuses it', async (t) => {
  const path = join(await scratch(t), 'x.zip');
  await writeFile(path, goodZip);
  t.is(await ours(path), undefined);
  await fc.assert(
    fc.asyncProperty(
      changes,
      fc.option(fc.nat({ max: goodZip.length }), { freq: 6 }),
      async (edits, length) => {
        const bytes = Buffer.from(goodZip);
        for (const { at, byte, width } of edits) {
          bytes.fill(byte, at, Math.min(at + width, bytes.length));
        }
        await writeFile(path, bytes.subarray(0, length ?? bytes.length));
        const error = await ours(path);
        if (error !== undefined && !(error instanceof DepotError)) {
          throw new Error('not a DepotError', { cause: error });
        }
        return error !== undefined || (await yauzls(path)) === undefined;
      },
    ),
    { numRuns: 1500 },
  );
});

const segment = fc.oneof(
  fc.constantFrom('..', '.', '', 'a', '...', 'C:', '~', '%2e%2e', '..%2f', '\\', '\0', ' ', 'con'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

test('no name that is accepted leaves the root', (t) => {
  const root = '/srv/packages/x';
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 40 }), (segments) => {
      const name = segments.join('/');
      if (entryNameProblem(name) === undefined) {
        accepted += 1;
        return join(root, name) === `${root}/${name}` && name.split('/').length <= nameBounds.depth;
      }
      return true;
    }),
    { numRuns: 3000 },
  );
  t.true(accepted > 0);
});

test('names of an archive are accepted only as the very text that its bytes are', async (t) => {
  const path = join(await scratch(t), 'x.zip');
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 6 }), async (bytes) => {
      const name = Buffer.concat([Buffer.from('a/'), Buffer.from(bytes)]);
      await writeFile(path, buildZip([{ name, content: '', method: 0 }]));
      if ((await ours(path)) !== undefined) {
        return true;
      }
      const zip = await openZip(path, testLimits);
      const names = [...zip.files.keys(), ...[...zip.folders].map((folder) => `${folder}/`)];
      await zip.close();
      accepted += 1;
      return names.some((found) => Buffer.from(found).equals(name));
    }),
    { numRuns: 500 },
  );
  t.true(accepted > 0);
});
