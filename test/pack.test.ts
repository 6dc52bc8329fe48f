import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { digestJudgingCode, judgingDigestFile } from '../src/index/index-origin.ts';
import { runCommand, startServer } from './support/command.ts';
import { eventually } from './support/eventually.ts';
import { scratch } from './support/scratch.ts';
import { createPublisher } from './support/signed-packages.ts';
import { writeZipPackage } from './support/packages.ts';

/** What `npm install` of an archive of this checkout would leave, with those libraries only. */
const install = async (t: ExecutionContext, libraries: readonly string[]): Promise<string> => {
  const installed = join(await scratch(t), 'installed here, 100% ä#1');
  await mkdir(join(installed, 'node_modules'), { recursive: true });
  const { files } = JSON.parse(await readFile('package.json', 'utf8')) as {
    readonly files: readonly string[];
  };
  for (const name of ['package.json', ...files]) {
    await cp(name, join(installed, name), { recursive: true });
  }
  await rm(join(installed, 'packages'), { recursive: true });
  for (const name of libraries) {
    await symlink(resolve('node_modules', name), join(installed, 'node_modules', name));
  }
  return installed;
};

/** The folder of the pack that is in force. */
const packInForce = async (dist: string): Promise<string> => {
  const id = /'\.\/([0-9a-f]+)\/main\.js'/.exec(await readFile(join(dist, 'main.js'), 'utf8'))?.[1];
  return join(dist, id ?? 'none');
};

test('what package.json installs is all that a server needs: no source, nothing compiled, two libraries', async (t) => {
  const installed = await install(t, ['openpgp', 'piscina']);
  const folder = await scratch(t);
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

test('a verb whose libraries were not installed says so, and what to do', async (t) => {
  const installed = await install(t, []);
  const folder = await scratch(t);
  const { publicKey, fingerprint } = await createPublisher();
  await writeFile(join(folder, 'key.asc'), publicKey);
  const { code, stderr } = await runCommand(
    ['keys', 'add', 'key.asc', '--expect', fingerprint, '--keyring', join(folder, 'keyring')],
    { cwd: folder, program: join(installed, 'bin/fleet-depot.js') },
  );
  t.is(code, 1);
  t.regex(
    stderr,
    /^error: the program is not whole: Cannot find package 'openpgp'.*\n.*`npm ci && npm run build`.*\n$/,
  );
});

test('a command whose pack is gone says what to do', async (t) => {
  const installed = await install(t, []);
  await rm(await packInForce(join(installed, 'dist')), { recursive: true });
  const { code, stderr } = await runCommand(['version'], { program: join(installed, 'bin/fleet-depot.js') });
  t.is(code, 1);
  t.regex(stderr, /^error: the program is not whole: .*main\.js.*\nRun `npm ci && npm run build` in .*\n$/);
});

for (const part of ['dist', 'node_modules/openpgp']) {
  test(`a server whose ${part} was taken away goes on, and takes no new package for a broken one`, async (t) => {
    const installed = await install(t, ['openpgp', 'piscina']);
    const folder = await scratch(t);
    const packages = join(folder, 'packages');
    const publisher = await createPublisher();
    const add = async (name: string): Promise<void> => {
      const zip = await writeZipPackage(folder, { name });
      await writeFile(join(packages, `${basename(zip)}.sig`), await publisher.sign(await readFile(zip)));
      await rename(zip, join(packages, basename(zip)));
    };
    await mkdir(packages);
    await add('one');
    const keyring = join(folder, 'keys.asc');
    await writeFile(keyring, publisher.publicKey);
    const server = await startServer(
      t,
      ['serve', '-package-paths', packages, '-signature-policy', 'verified', '-keyring', keyring],
      {
        cwd: folder,
        env: { EPR_CACHE_DIR: join(folder, 'cache') },
        program: join(installed, 'bin/fleet-depot.js'),
      },
    );
    const health = async (): Promise<Record<string, unknown>> =>
      (await (await fetch(`${server.url}/health`)).json()) as Record<string, unknown>;
    await rename(join(installed, part), join(installed, 'away'));
    await add('two');
    server.signal('SIGHUP');
    await eventually('the fault is told', async () => /not whole/.test(String((await health())['reason'])));
    const { packages: served, quarantined } = await health();
    t.deepEqual({ served, quarantined }, { served: 1, quarantined: 0 });
    t.is((await fetch(`${server.url}/package/one/1.0.0/`)).status, 200);

    await rename(join(installed, 'away'), join(installed, part));
    server.signal('SIGHUP');
    await eventually('both are served', async () => (await health())['packages'] === 2);
  });
}

test('openpgp is not in the packed program: whoever puts another version into node_modules uses that one', async (t) => {
  const pack = await packInForce('dist');
  const code = await Promise.all(
    (await readdir(pack))
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFile(join(pack, name), 'utf8')),
  );
  t.true(code.length > 8);
  t.true(code.some((text) => text.includes('import("openpgp")')));
  t.false(code.some((text) => text.includes('class SignaturePacket')));
});

test('the licence of every library that is packed is in LICENCES.txt, with its version', async (t) => {
  const pack = await packInForce('dist');
  const licences = await readFile('dist/LICENCES.txt', 'utf8');
  const folders = new Set<string>();
  for (const name of (await readdir(pack)).filter((one) => one.endsWith('.js'))) {
    const code = await readFile(join(pack, name), 'utf8');
    // The packer writes above each part which file it comes from.
    for (const [, folder = ''] of code.matchAll(
      /^\s*(?:\/\/ |")((?:.*\/)?node_modules\/(?:@[\w-]+\/)?[\w.-]+)\//gm,
    )) {
      folders.add(folder);
    }
  }
  t.true(folders.size > 40, [...folders].join());
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    ) as Record<string, string>;
    t.regex(licences, new RegExp(`^${name} ${version} +${license}\n`, 'm'), folder);
    t.true(licences.includes(`\n${name} ${version}, ${license}\n\n`), folder);
  }
});

test('an archive for npm has the program in force, its licences and nothing of the source', async (t) => {
  // What an earlier build left for servers that still run from it.
  const pack = basename(await packInForce('dist'));
  const told = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(told.stdout) as [{ readonly files: readonly { readonly path: string }[] }];
  const paths = files.map(({ path }) => path);
  for (const wanted of [
    'LICENSE',
    'NOTICE',
    'THIRD-PARTY.md',
    'dist/LICENCES.txt',
    'dist/main.js',
    `dist/${pack}/reader.js`,
  ]) {
    t.true(paths.includes(wanted), wanted);
  }
  const other = new RegExp(
    `^(?!(?:assets|bin|distributions|packages|dist/${pack})/|dist/[\\w-]+\\.\\w+$|[\\w-]+(?:\\.\\w+)?$)`,
  );
  t.deepEqual(
    paths.filter((path) => other.test(path)),
    [],
  );
});

test('an index that the packed program has made is one for the code that it was packed from', async (t) => {
  for (const folder of ['dist', await packInForce('dist')]) {
    const packed = await readFile(join(folder, judgingDigestFile), 'utf8');
    t.regex(packed, /^[0-9a-f]{32}\n$/);
    t.is(packed.trim(), await digestJudgingCode(pathToFileURL(resolve('build/src') + '/')));
  }
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
