import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { SourceProblem } from '../../src/source/source.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

interface Seen {
  readonly opened: Record<string, string>;
  readonly problems: readonly SourceProblem[];
}

/** What somebody without special rights sees of a package path; undefined where nobody else may run the program. */
const seenBySomebody = (t: ExecutionContext, root: string): Seen | undefined => {
  const program = fileURLToPath(new URL('../support/read-sources.js', import.meta.url));
  const nobody = 65_534;
  try {
    const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
    const output = execFileSync(process.execPath, [program, root], {
      ...identity,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(output.toString()) as Seen;
  } catch (error) {
    t.log(`skipped: the program cannot be run by another user: ${String(error).slice(0, 300)}`);
    t.pass();
    return undefined;
  }
};

test('what may not be read is quarantined with that reason, and everything else is served', async (t) => {
  const root = await scratch(t);
  await chmod(root, 0o755);
  for (const name of ['good', 'file', 'folder', 'locked', 'whole']) {
    await writeFolderPackage(join(root, 'p'), { name });
    await writeZipPackage(join(root, 'z', name), { name });
  }
  await writeFile(join(root, 'p', 'good', '1.0.0', 'docs', 'mine.md'), 'readable by its owner only');
  const locked = {
    'p/file/1.0.0/docs/README.md': 0,
    'p/folder/1.0.0/docs': 0,
    'p/locked/1.0.0': 0,
    'p/whole': 0,
    'z/file/file-1.0.0.zip': 0,
    'z/folder': 0,
  };
  for (const path of Object.keys(locked)) {
    await chmod(join(root, path), 0);
  }
  t.teardown(async () => {
    for (const path of Object.keys(locked).toReversed()) {
      await chmod(join(root, path), 0o755);
    }
  });
  const folders = seenBySomebody(t, join(root, 'p'));
  const zips = seenBySomebody(t, join(root, 'z'));
  if (folders === undefined || zips === undefined) {
    return;
  }
  t.deepEqual(folders.opened, { 'good/1.0.0': 'ok' });
  const reasons = Object.fromEntries(folders.problems.map((problem) => [problem.label, problem.reason]));
  t.deepEqual(reasons, {
    'file/1.0.0': '"docs/README.md" cannot be read: permission denied',
    'folder/1.0.0': 'the folder "docs" cannot be read: permission denied',
    'locked/1.0.0': 'the folder cannot be read: permission denied',
    whole: 'the folder cannot be read: permission denied',
  });
  t.true(folders.problems.every((problem) => problem.severity === 'quarantine'));
  t.deepEqual(zips.opened, {
    'file/file-1.0.0.zip': 'DepotError: the archive cannot be read: permission denied',
    'good/good-1.0.0.zip': 'ok',
    'locked/locked-1.0.0.zip': 'ok',
    'whole/whole-1.0.0.zip': 'ok',
  });
  t.deepEqual(
    zips.problems.map(({ label, reason, severity }) => [label, reason, severity]),
    [['folder', 'the folder cannot be read: permission denied', 'quarantine']],
  );
});

test('a package path that may not be read says so', async (t) => {
  const root = await scratch(t);
  await chmod(root, 0);
  const seen = seenBySomebody(t, root);
  if (seen === undefined) {
    return;
  }
  t.deepEqual(
    seen.problems.map(({ reason, severity }) => [reason, severity]),
    [['the folder cannot be read: permission denied', 'quarantine']],
  );
});
