import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { writeDurably } from '../../src/files/durable-file.ts';
import { scratch } from '../support/scratch.ts';

test('a file is replaced whole, by text, bytes or pieces, and nothing is left beside it', async (t) => {
  const folder = await scratch(t);
  const file = join(folder, 'a.json');
  for (const content of ['one', Buffer.from('two'), [Buffer.from('th'), Buffer.from('ree')]]) {
    await writeDurably(file, content);
  }
  t.is(await readFile(file, 'utf8'), 'three');
  await writeDurably(file, 'four', { temporary: join(folder, 'half') });
  t.is(await readFile(file, 'utf8'), 'four');
  t.deepEqual(await readdir(folder), ['a.json']);
});

test('a mode counts whatever the umask', async (t) => {
  const file = join(await scratch(t), 'a.key');
  for (const mode of [0o600, 0o644, 0o666]) {
    await writeDurably(file, 'x', { mode });
    t.is((await stat(file)).mode & 0o777, mode);
  }
});

test('an exclusive file takes no name that is there, be it a symlink that leads nowhere', async (t) => {
  const folder = await scratch(t);
  const [file, dangling] = [join(folder, 'a'), join(folder, 'b')];
  await writeDurably(file, 'first', { exclusive: true });
  await symlink(join(folder, 'none'), dangling);
  for (const taken of [file, dangling]) {
    await t.throwsAsync(writeDurably(taken, 'second', { exclusive: true }), { code: 'EEXIST' });
  }
  t.is(await readFile(file, 'utf8'), 'first');
  t.deepEqual((await readdir(folder)).toSorted(), ['a', 'b']);
});

test('what fails leaves the file as it was, and nothing beside it', async (t) => {
  const folder = await scratch(t);
  const file = join(folder, 'a');
  await writeFile(file, 'good');
  const broken = (function* pieces() {
    yield Buffer.from('half');
    throw new Error('no more');
  })();
  await t.throwsAsync(writeDurably(file, broken), { message: 'no more' });
  t.is(await readFile(file, 'utf8'), 'good');
  t.deepEqual(await readdir(folder), ['a']);
  await t.throwsAsync(writeDurably(join(folder, 'none', 'a'), 'x'), { code: 'ENOENT' });
  await t.throwsAsync(writeDurably('/dev/null', 'x'), { code: 'FILE_FAILED', message: /a device or a pipe/ });
});

test('a folder that may be written and not read takes files all the same', async (t) => {
  const folder = join(await scratch(t), 'drop');
  await mkdir(folder);
  await chmod(folder, 0o300);
  await writeDurably(join(folder, 'a'), 'x');
  t.is(await readFile(join(folder, 'a'), 'utf8'), 'x');
  await chmod(folder, 0o700);
});
