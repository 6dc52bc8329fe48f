import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { signatureOf } from '../support/armored.ts';
import { runCommand } from '../support/command.ts';
import { packageFiles, writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { buildZip } from '../support/zip-builder.ts';

const unsigned = '-require-package-signatures=false';

interface Report {
  readonly ok: number;
  readonly quarantine: number;
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly file: string;
    readonly state: string;
    readonly signature: string;
    readonly reasons: readonly string[];
  }[];
}

const inspectJson = async (...words: readonly string[]): Promise<{ code: number | null; report: Report }> => {
  const { code, stdout } = await runCommand(['inspect', '--json', ...words]);
  return { code, report: JSON.parse(stdout) as Report };
};

/** An archive that is valid in its directory, and has one file whose bytes are not those of its checksum. */
const rottenZip = (name: string): Buffer =>
  buildZip(
    Object.entries(packageFiles({ name })).map(([path, content]) => ({
      name: `${name}-1.0.0/${path}`,
      content,
      ...(path === 'img/screenshot.png' ? { crc: 1 } : {}),
    })),
  );

test('a folder of good packages ends with 0 and a line that sums it up', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, { name: 'a' });
  await writeFolderPackage(root, { name: 'b' });
  const { code, stdout, stderr } = await runCommand(['inspect', root, unsigned]);
  t.is(code, 0);
  t.regex(stdout, /^2 ok, 0 in quarantine, 2 without signature, \d+ files read/);
  t.is(stderr, '');
});

test('the good ones are shown with -all, with name, version, file and signature', async (t) => {
  const root = await scratch(t);
  const signed = await writeZipPackage(root, { name: 'a' });
  await writeFile(`${signed}.sig`, await signatureOf('a'));
  const halfSigned = await writeZipPackage(root, { name: 'b' });
  await writeFile(`${halfSigned}.sig`, '<html>');
  const { code, stdout } = await runCommand(['inspect', '-all', root, unsigned]);
  t.is(code, 0);
  t.regex(stdout, /^a +1\.0\.0 +ok +armored +a-1\.0\.0\.zip$/m);
  t.regex(stdout, /^b +1\.0\.0 +ok +invalid +b-1\.0\.0\.zip$/m);
});

test('every reason of a broken package is told, and the exit code is 3', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { name: 'good' });
  await writeFolderPackage(root, {
    name: 'bad',
    manifest: { title: undefined, description: undefined },
    files: { 'img/icon.svg': undefined },
  });
  const { code, stdout } = await runCommand(['inspect', root, unsigned]);
  t.is(code, 3);
  t.regex(stdout, /^bad +1\.0\.0 +quarantine +none +bad\/1\.0\.0 +manifest\.yml: /m);
  for (const word of ['title', 'description', '/img/icon.svg']) {
    t.true(stdout.includes(word), word);
  }
  t.notRegex(stdout, /^good/m);
});

test('every file is read: a wrong checksum that no manifest shows is found', async (t) => {
  const root = await scratch(t);
  await writeFile(join(root, 'rotten-1.0.0.zip'), rottenZip('rotten'));
  const { code, report } = await inspectJson(root, unsigned);
  t.is(code, 3);
  t.is(report.packages[0]?.name, 'rotten');
  t.regex(report.packages[0]?.reasons.join() ?? '', /screenshot\.png" .*CRC-32/);
});

test('an archive and a version folder can be named directly', async (t) => {
  const root = await scratch(t);
  const zip = await writeZipPackage(join(root, 'zips'), { name: 'a' });
  await writeFile(join(root, 'zips', 'broken-1.0.0.zip'), 'no zip');
  const folder = await writeFolderPackage(join(root, 'folders'), { name: 'b', version: '2.0.0' });
  const { code, report } = await inspectJson('--all', zip, folder, unsigned);
  t.is(code, 0);
  t.deepEqual(
    report.packages.map(({ name, version, file }) => [name, version, file]),
    [
      ['a', '1.0.0', 'a-1.0.0.zip'],
      ['b', '2.0.0', 'b/2.0.0'],
    ],
  );
});

test('a signature that the server would ask for is asked for', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, { name: 'a' });
  const { code, report } = await inspectJson(root);
  t.is(code, 3);
  t.regex(report.packages[0]?.reasons.join() ?? '', /no signature, and -require-package-signatures is on/);
});

test('validation can be turned off as for the server', async (t) => {
  const root = await scratch(t);
  await writeFolderPackage(root, { files: { 'img/icon.svg': undefined } });
  t.is((await runCommand(['inspect', root, unsigned])).code, 3);
  t.is((await runCommand(['inspect', root, unsigned, '-disable-package-validation'])).code, 0);
});

test('the second of two equal versions is a duplicate, not a fault', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, {});
  await writeFolderPackage(root, {});
  const { code, report } = await inspectJson('--all', root, unsigned);
  t.is(code, 0);
  t.deepEqual(
    report.packages.map(({ file, state }) => [file, state]),
    [
      ['demo-1.0.0.zip', 'ok'],
      ['demo/1.0.0', 'duplicate'],
    ],
  );
});

test('a path without packages, or that is not there, ends with 1 and says so', async (t) => {
  const root = await scratch(t);
  await mkdir(join(root, 'empty'));
  const empty = await runCommand(['inspect', join(root, 'empty')]);
  t.is(empty.code, 1);
  t.regex(empty.stderr, /is empty/);
  const missing = await runCommand(['inspect', join(root, 'missing')]);
  t.is(missing.code, 1);
  t.regex(missing.stdout, /missing +it cannot be read: it is gone/);
  await writeZipPackage(root, {});
  t.is((await runCommand(['inspect', join(root, 'missing'), root, unsigned])).code, 3);
});

test('without a path the package paths of the settings are taken', async (t) => {
  const root = await scratch(t);
  await writeZipPackage(root, {});
  const { code, stdout } = await runCommand(['inspect', unsigned], { env: { EPR_PACKAGE_PATHS: root } });
  t.is(code, 0);
  t.regex(stdout, /^1 ok/);
});

test('an unknown flag and a bad value end with 2 and name the flag', async (t) => {
  const unknown = await runCommand(['inspect', '-nosuch', '/']);
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /nosuch/);
  const bad = await runCommand(['inspect', '-max-entries=many', '/']);
  t.is(bad.code, 2);
  t.regex(bad.stderr, /-max-entries \(EPR_MAX_ENTRIES\)/);
});

test('a file name cannot write control characters to the terminal', async (t) => {
  const root = await scratch(t);
  await writeFile(join(root, 'evil\u001b[31m-1.0.0.zip'), 'no zip');
  const { stdout } = await runCommand(['inspect', root]);
  t.false(stdout.includes('\u001b'));
  t.true(stdout.includes('evil\\u001b[31m'));
});

test('help names the exit codes', async (t) => {
  const { code, stdout } = await runCommand(['inspect', '--help']);
  t.is(code, 0);
  t.regex(stdout, /Exit codes: 0 .* 3 something is in quarantine/s);
});
