import { mkdir, readdir, readlink, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createFileOpener, type OpenedFile } from '../../src/source/file-opener.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';

const textOf = async (file: OpenedFile): Promise<string> => {
  const buffer = Buffer.alloc(100);
  const count = await file.readInto(buffer, buffer.length, 0);
  return buffer.toString('utf8', 0, count);
};

test('a file is what lies at its path at each opening, and stays that while it is open', async (t) => {
  const path = join(await scratch(t), 'file');
  await writeFile(path, 'first');
  const opener = createFileOpener();
  const open = (): Promise<OpenedFile> => opener.open(path, 'it');
  // The second is opened in the quick way, once the first has shown what kind of disk it is.
  const files = [await open()];
  for (let again = 0; again < 20; again += 1) {
    files.push(await open());
  }
  await writeFile(`${path}.new`, 'second');
  await rename(`${path}.new`, path);
  const renewed = await open();
  t.is(await textOf(renewed), 'second');
  t.is(renewed.stats.size, 6n);
  for (const file of files) {
    t.is(await textOf(file), 'first');
  }
  await rm(path);
  await t.throwsAsync(open, { message: /it cannot be read: it is gone/ });
  await mkdir(path);
  await t.throwsAsync(open, { message: /it cannot be read: it is a folder/ });
  await Promise.all([...files, renewed].map((file) => file.close()));
});

test('a file that has become shorter, or was closed, is not read', async (t) => {
  const path = join(await scratch(t), 'file');
  await writeFile(path, 'content');
  const opener = createFileOpener();
  for (let again = 0; again < 20; again += 1) {
    const file = await opener.open(path, 'it');
    await file.close();
    await file.close();
    await t.throwsAsync(textOf(file), { message: /it was closed before it was read/ });
  }
  const file = await opener.open(path, 'it');
  await truncate(path, 0);
  await t.throwsAsync(textOf(file), { message: /it has become shorter/ });
  t.is((await file.look()).size, 0n);
  await file.close();
});

test.serial('a file that is closed while it is read is read to the end, and closed then', async (t) => {
  const path = join(await scratch(t), 'file');
  await writeFile(path, 'content');
  const opener = createFileOpener();
  for (let again = 0; again < 20; again += 1) {
    const file = await opener.open(path, 'it');
    const reading = textOf(file);
    await file.close();
    t.is(await reading, 'content');
  }
  if (process.platform !== 'linux') {
    t.log('open files are counted in /proc: not here');
    return;
  }
  await eventually('all are closed', async () => {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return !links.includes(path);
  });
});
