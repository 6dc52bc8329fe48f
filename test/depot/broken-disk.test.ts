import test from 'ava';
import { readdir, rm, symlink } from 'node:fs/promises';
import { createBundle } from '../../src/bundle/create.ts';
import { fileChunks } from '../../src/depot/named-chunks.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';
import { layerTar } from '../../src/image/layer-tar.ts';
import { brokenFile } from '../support/broken-disk.ts';
import { carriedFiles, createBundleSite } from '../support/bundle-site.ts';

const reason = 'the disk answers with an error';
const read = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
  for await (const _ of chunks) {
  }
};

test('a file that the disk cannot read is named, not the one that its bytes are written to', async (t) => {
  const site = await createBundleSite(t);
  const location = brokenFile(t);
  if (location === undefined) {
    t.pass();
    return;
  }
  await t.throwsAsync(read(fileChunks(location)), { code: 'FILE_FAILED', message: `${location}: ${reason}` });
  const files = { files: [{ path: 'a.txt', sha256: '0'.repeat(64), size: 10, location }], skipped: [] };
  await t.throwsAsync(createBundle({ files, output: site.at('b.tar') }), {
    code: 'FILE_FAILED',
    message: `${location}: ${reason}`,
  });
  t.deepEqual(await readdir(site.root), []);
  const depot = await site.depot();
  const intake = depot.content.intake();
  await t.throwsAsync(
    intake.take({ sha256: '0'.repeat(64), size: 10 }, fileChunks(location), (text) => new Error(text)),
    { code: 'FILE_FAILED', message: `${location}: ${reason}` },
  );
  t.deepEqual(await readdir(depot.layout.temporary), []);
});

test('a package that the disk cannot read ends an image with its name', async (t) => {
  const place = brokenFile(t);
  if (place === undefined) {
    t.pass();
    return;
  }
  const tar = layerTar([{ path: 'a-1.0.0.zip', place, size: 10 }], { into: '/packages', mtime: 0 });
  await t.throwsAsync(read(tar), { code: 'IMAGE_CONTENT_INVALID', message: `${place}: ${reason}` });
});

test('a content that the disk cannot read is damaged, and not told as missing', async (t) => {
  const site = await createBundleSite(t);
  const broken = brokenFile(t);
  if (broken === undefined) {
    t.pass();
    return;
  }
  const depot = await site.depot();
  await site.create(carriedFiles(1), 'b.tar');
  await site.import(['b.tar'], depot);
  const [digest = ''] = await depot.content.list();
  const file = depot.layout.contentFile(digest);
  await rm(file);
  await symlink(broken, file);
  const { findings } = await inspectDepot(depot, () => undefined);
  t.deepEqual(
    findings
      .filter(({ path }) => path.startsWith(depot.layout.content))
      .map(({ path, reason: why }) => [path, why]),
    [[file, `it can't be read: ${reason}`]],
  );
});
