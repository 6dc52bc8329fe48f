import { execFileSync, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { ZipFile } from 'yazl';
import { openZipPackage } from '../../src/source/zip-package.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { packageFiles, writeFolder } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

/** Makes a package with a program of the system; false (and a line in the log) where it is absent. */
const hasProgram = (t: ExecutionContext, program: string): boolean => {
  const isThere = spawnSync(program, ['--version']).error === undefined;
  if (!isThere) {
    t.log(`skipped: ${program} is absent`);
    t.pass();
  }
  return isThere;
};

const expectWhole = async (t: ExecutionContext, path: string): Promise<void> => {
  const zip = await openZipPackage(path, testLimits);
  const expected = packageFiles();
  t.is(zip.topFolder, 'demo-1.0.0');
  t.deepEqual(zip.entries.map((entry) => entry.path).toSorted(), Object.keys(expected).toSorted());
  for (const [name, content] of Object.entries(expected)) {
    t.deepEqual(await zip.read(name), Buffer.from(content), name);
  }
  await zip.close();
};

for (const [title, flags] of Object.entries({
  plainly: ['-r'],
  'without entries for folders': ['-r', '-D'],
  'as Zip64': ['-r', '-fz'],
  stored: ['-r', '-0'],
})) {
  test(`an archive that Info-ZIP made ${title} is read`, async (t) => {
    if (!hasProgram(t, 'zip')) {
      return;
    }
    const root = await scratch(t);
    await writeFolder(join(root, 'demo-1.0.0'), packageFiles());
    execFileSync('zip', [...flags, '-q', 'x.zip', 'demo-1.0.0'], { cwd: root });
    await expectWhole(t, join(root, 'x.zip'));
  });
}

test('an archive that Info-ZIP made as a stream is read', async (t) => {
  if (!hasProgram(t, 'zip')) {
    return;
  }
  const root = await scratch(t);
  await writeFolder(join(root, 'demo-1.0.0'), packageFiles());
  execFileSync('sh', ['-c', 'zip -r -q - demo-1.0.0 | cat > x.zip'], { cwd: root });
  await expectWhole(t, join(root, 'x.zip'));
});

test('an archive in which Info-ZIP kept a symlink is refused', async (t) => {
  if (!hasProgram(t, 'zip')) {
    return;
  }
  const root = await scratch(t);
  await writeFolder(join(root, 'demo-1.0.0'), packageFiles());
  await symlink('/etc/passwd', join(root, 'demo-1.0.0', 'docs', 'passwd'));
  execFileSync('zip', ['-r', '-y', '-q', 'x.zip', 'demo-1.0.0'], { cwd: root });
  await t.throwsAsync(openZipPackage(join(root, 'x.zip'), testLimits), {
    code: 'ZIP_INVALID',
    message: 'entry "demo-1.0.0/docs/passwd" is a symlink; only files and folders are taken',
  });
});

test('an encrypted archive of Info-ZIP is refused', async (t) => {
  if (!hasProgram(t, 'zip')) {
    return;
  }
  const root = await scratch(t);
  await writeFolder(join(root, 'demo-1.0.0'), packageFiles());
  execFileSync('zip', ['-r', '-q', '-P', 'secret', 'x.zip', 'demo-1.0.0'], { cwd: root });
  await t.throwsAsync(openZipPackage(join(root, 'x.zip'), testLimits), {
    code: 'ZIP_INVALID',
    message: /is encrypted$/,
  });
});

test('an archive that bsdtar made is read', async (t) => {
  if (!hasProgram(t, 'bsdtar')) {
    return;
  }
  const root = await scratch(t);
  await writeFolder(join(root, 'demo-1.0.0'), packageFiles());
  execFileSync('bsdtar', ['--format', 'zip', '-cf', 'x.zip', 'demo-1.0.0'], { cwd: root });
  await expectWhole(t, join(root, 'x.zip'));
});

test('an archive that yazl made as Zip64 throughout is read', async (t) => {
  const path = join(await scratch(t), 'x.zip');
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(packageFiles())) {
    zip.addBuffer(Buffer.from(content), `demo-1.0.0/${name}`, { forceZip64Format: true });
  }
  zip.end({ forceZip64Format: true, comment: '' });
  await pipeline(zip.outputStream, createWriteStream(path));
  await expectWhole(t, path);
});
