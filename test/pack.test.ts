import { cp, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { digestJudgingCode, judgingDigestFile } from '../src/index/index-origin.ts';
import { startServer } from './support/command.ts';
import { scratch } from './support/scratch.ts';
import { writeZipPackage } from './support/packages.ts';

test('what package.json installs is all that a server needs: no source, nothing compiled, two libraries', async (t) => {
  const folder = await scratch(t);
  const installed = join(folder, 'installed');
  await mkdir(join(installed, 'node_modules'), { recursive: true });
  const { files } = JSON.parse(await readFile('package.json', 'utf8')) as {
    readonly files: readonly string[];
  };
  for (const name of ['package.json', ...files]) {
    await cp(name, join(installed, name), { recursive: true });
  }
  await rm(join(installed, 'packages'), { recursive: true });
  for (const name of ['openpgp', 'piscina']) {
    await symlink(resolve('node_modules', name), join(installed, 'node_modules', name));
  }
  await writeZipPackage(join(folder, 'packages'), { name: 'one' });
  const server = await startServer(
    t,
    ['serve', '-package-paths', join(folder, 'packages'), '-require-package-signatures=false'],
    {
      cwd: folder,
      program: join(installed, 'bin/fleet-depot.js'),
    },
  );
  for (const path of ['/search', '/favicon.ico', '/package/one/1.0.0/']) {
    t.is((await fetch(`${server.url}${path}`)).status, 200, path);
  }
});

test('openpgp is not in the packed program: whoever puts another version into node_modules uses that one', async (t) => {
  const code = await Promise.all(
    (await readdir('dist'))
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFile(join('dist', name), 'utf8')),
  );
  t.true(code.length > 8);
  t.true(code.some((text) => text.includes('import("openpgp")')));
  t.false(code.some((text) => text.includes('class SignaturePacket')));
});

test('an index that the packed program has made is one for the code that it was packed from', async (t) => {
  const packed = await readFile(join('dist', judgingDigestFile), 'utf8');
  t.regex(packed, /^[0-9a-f]{32}\n$/);
  t.is(packed.trim(), await digestJudgingCode(pathToFileURL(resolve('build/src') + '/')));
});

test('another file of judging code makes another digest, one of other code does not', async (t) => {
  const folder = await scratch(t);
  const source = pathToFileURL(`${folder}/`);
  await cp('build/src', folder, { recursive: true });
  const before = await digestJudgingCode(source);
  await cp(join(folder, 'version.js'), join(folder, 'http/another.js'));
  t.is(await digestJudgingCode(source), before);
  await cp(join(folder, 'version.js'), join(folder, 'judge/another.js'));
  t.not(await digestJudgingCode(source), before);
});
