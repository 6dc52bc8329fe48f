import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { ZipFile } from 'yazl';
import { checkArchive } from '../../src/cli/archive-check.ts';
import { DepotError } from '../../src/domain/errors.ts';

test('an archive is whole only if every byte of every file is, and it is what its name says', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'check-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from('name: a\nversion: 1.0.0\n'), 'a-1.0.0/manifest.yml', { compress: false });
  zip.end();
  const path = join(folder, 'a-1.0.0.zip');
  await writeFile(path, await buffer(zip.outputStream));
  await t.notThrowsAsync(checkArchive(path));
  const other = join(folder, 'b-1.0.0.zip');
  await rename(path, other);
  t.regex(
    (await t.throwsAsync(checkArchive(other), { instanceOf: DepotError }))?.message ?? '',
    /holds a-1\.0\.0, its name says b-1\.0\.0/,
  );
  const bytes = await readFile(other);
  bytes.writeUInt8(0x58, bytes.indexOf('name: a'));
  await writeFile(path, bytes);
  t.is((await t.throwsAsync(checkArchive(path), { instanceOf: DepotError }))?.code, 'ZIP_INVALID');
  await writeFile(path, bytes.subarray(0, 60));
  t.is((await t.throwsAsync(checkArchive(path), { instanceOf: DepotError }))?.code, 'ZIP_INVALID');
});
