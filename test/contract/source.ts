import { rm, utimes, stat, writeFile, symlink, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32, inflateRawSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { openZipPackage } from '../../src/source/zip-package.ts';
import type { PackageRef, PackageSource, ServedFile } from '../../src/source/source.ts';
import { testLimits } from '../support/hostile-zips.ts';
import { packageFiles, type PackageSpec } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';

/** A kind of source under test. */
export interface SourceKind {
  readonly title: string;
  create(root: string): PackageSource;
  /** Puts a package below the root, replacing the one that is there. */
  put(root: string, spec: PackageSpec): Promise<unknown>;
  /** Breaks the package of this name and version; the source or the opening of it must say so. */
  spoil(root: string, name: string, version: string): Promise<void>;
}

const only = async (source: PackageSource): Promise<PackageRef> => {
  const { refs } = await source.list();
  const [ref] = refs;
  if (ref === undefined || refs.length !== 1) {
    throw new Error(`${refs.length} packages instead of one`);
  }
  return ref;
};

const wholeOf = (file: ServedFile): Promise<Buffer> => buffer(file.stream(0, file.size - 1));

/** What every source of packages promises; each kind runs it. */
export const sourceContract = (kind: SourceKind): void => {
  const start = async (
    t: ExecutionContext,
    ...specs: PackageSpec[]
  ): Promise<{ root: string; source: PackageSource }> => {
    const root = await scratch(t);
    for (const spec of specs) {
      await kind.put(root, spec);
    }
    return { root, source: kind.create(root) };
  };
  const title = (text: string): string => `${kind.title}: ${text}`;

  test(title('lists packages as plain data, in the order of their paths'), async (t) => {
    const { root, source } = await start(
      t,
      { name: 'b' },
      { name: 'a', version: '10.0.0' },
      { name: 'a', version: '2.0.0' },
    );
    const { refs, problems } = await source.list();
    t.deepEqual(problems, []);
    t.deepEqual(structuredClone(refs), refs);
    t.is(refs.length, 3);
    t.deepEqual(
      refs.map((ref) => ref.path),
      refs.map((ref) => ref.path).toSorted(),
    );
    t.true(
      refs.every(
        (ref) => ref.path === join(root, ref.label) && ref.size > 0 && ref.modifiedAt > 1_700_000_000_000,
      ),
    );
  });

  test(title('a package that a copy of its ref opens has all its files'), async (t) => {
    const { root, source } = await start(t, {});
    const ref = structuredClone(await only(source));
    const files = await kind.create(root).open(ref);
    const expected = packageFiles();
    t.deepEqual(files.entries.map((entry) => entry.path).toSorted(), Object.keys(expected).toSorted());
    for (const { path, size } of files.entries) {
      const content = await files.read(path);
      t.deepEqual(content, Buffer.from(expected[path] ?? ''), path);
      t.is(content.length, size);
      t.true(files.has(path));
    }
    // The archives that are made here have no entries for folders, and so declare none.
    t.is(files.folders.includes('data_stream/log/elasticsearch'), files.topFolder === undefined);
    await files.close();
  });

  test(title('files that are not there, and folders, are RESOURCE_UNKNOWN'), async (t) => {
    const { source } = await start(t, {});
    const files = await source.open(await only(source));
    for (const path of [
      'nothing',
      'docs',
      'docs/',
      '',
      '.',
      '..',
      '../x',
      '/etc/passwd',
      'docs/../manifest.yml',
      './manifest.yml',
      '__proto__',
      'manifest.yml/',
    ]) {
      t.false(files.has(path), path);
      await t.throwsAsync(files.read(path), { code: 'RESOURCE_UNKNOWN' }, path);
    }
    await files.close();
  });

  test(title('deflated bytes, where there are some, are the file'), async (t) => {
    const { source } = await start(t, {});
    const files = await source.open(await only(source));
    for (const { path } of files.entries) {
      const deflated = await files.readDeflated(path);
      const content = await files.read(path);
      t.deepEqual(deflated ? inflateRawSync(deflated.bytes) : content, content);
      t.is(deflated?.size ?? content.length, content.length);
      t.is(deflated?.crc32 ?? crc32(content), crc32(content));
    }
    t.is(await files.readDeflated('nothing'), undefined);
    await files.close();
  });

  test(title('a closed package is not read'), async (t) => {
    const { source } = await start(t, {});
    const files = await source.open(await only(source));
    await files.close();
    await t.throwsAsync(files.read('manifest.yml'), { code: 'FILE_UNREADABLE', message: /closed/ });
  });

  test(title('the stamp stays while nothing changes, and changes with the content'), async (t) => {
    const { root, source } = await start(t, { files: { 'docs/x.md': 'one' } });
    const before = await only(source);
    t.is((await only(source)).stamp, before.stamp);
    t.is((await only(kind.create(root))).stamp, before.stamp);
    const times = await stat(before.path);
    await kind.put(root, { files: { 'docs/x.md': 'two' } });
    await utimes(before.path, times.atime, times.mtime);
    t.not((await only(source)).stamp, before.stamp);
  });

  test(
    title('the archive has one top folder, its whole length, ranges and a strong validator'),
    async (t) => {
      const { root, source } = await start(t, { name: 'demo', version: '1.2.3' });
      const ref = await only(source);
      const file = await source.openArchive(ref);
      const bytes = await wholeOf(file);
      t.is(bytes.length, file.size);
      t.deepEqual(await buffer(file.stream(5, 9)), bytes.subarray(5, 10));
      t.deepEqual(await buffer(file.stream(file.size - 1, file.size - 1)), bytes.subarray(-1));
      t.regex(file.etag, /^[\w-]{16,}$/);
      t.true(Number.isFinite(file.modifiedAt.getTime()));
      const again = await source.openArchive(ref);
      t.is(again.etag, file.etag);
      t.deepEqual(await wholeOf(again), bytes);
      await again.close();
      await file.close();
      await writeFile(join(root, 'copy'), bytes);
      const zip = await openZipPackage(join(root, 'copy'), testLimits);
      t.is(zip.topFolder, 'demo-1.2.3');
      t.deepEqual(await zip.read('docs/README.md'), Buffer.from(packageFiles()['docs/README.md'] ?? ''));
      await zip.close();
    },
  );

  test(title('an open archive is sent to its end although the package is deleted'), async (t) => {
    const { source } = await start(t, {});
    const ref = await only(source);
    const file = await source.openArchive(ref);
    await rm(ref.path, { recursive: true });
    t.is((await wholeOf(file)).length, file.size);
    await file.close();
  });

  test(title('many requests for an archive at once get the same bytes'), async (t) => {
    const { source } = await start(t, {});
    const ref = await only(source);
    const files = await Promise.all(Array.from({ length: 20 }, () => source.openArchive(ref)));
    const bodies = await Promise.all(files.map(wholeOf));
    t.true(bodies.every((body) => body.equals(bodies[0] ?? Buffer.alloc(0))));
    t.is(new Set(files.map((file) => file.etag)).size, 1);
    await Promise.all(files.map((file) => file.close()));
  });

  test(title('a package that is gone since it was listed is an error that says so'), async (t) => {
    const { source } = await start(t, {});
    const ref = await only(source);
    await rm(ref.path, { recursive: true });
    await t.throwsAsync(source.open(ref), { code: 'FILE_UNREADABLE', message: /it is gone/ });
    await t.throwsAsync(source.openArchive(ref), { code: 'FILE_UNREADABLE', message: /it is gone/ });
    t.is(await source.openSignature(ref), undefined);
  });

  test(title('a package without a signature has none'), async (t) => {
    const { source } = await start(t, {});
    t.is(await source.openSignature(await only(source)), undefined);
  });

  test(title('a broken package says why, and the others are served'), async (t) => {
    const { root, source } = await start(t, { name: 'a' }, { name: 'b' }, { name: 'c' });
    await kind.spoil(root, 'b', '1.0.0');
    const { refs, problems } = await source.list();
    const reasons = problems
      .filter((problem) => problem.severity === 'quarantine')
      .map((problem) => problem.reason);
    const opened: string[] = [];
    for (const ref of refs) {
      try {
        const files = await source.open(ref);
        opened.push((await files.read('manifest.yml')).toString().split('\n')[1] ?? '');
        await files.close();
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : '');
      }
    }
    t.deepEqual(opened, ['name: "a"', 'name: "c"']);
    t.is(reasons.length, 1);
    t.true((reasons[0] ?? '').length > 10);
  });

  test(title('hidden files and folders are passed over without a word'), async (t) => {
    const { root, source } = await start(t, {});
    await kind.put(join(root, '.git'), { name: 'hidden' });
    await writeFile(join(root, '._demo-1.0.0.zip'), 'AppleDouble');
    await writeFile(join(root, '.DS_Store'), '');
    const { refs, problems } = await source.list();
    t.is(refs.length, 1);
    t.deepEqual(problems, []);
  });

  test(title('the root may be a symlink'), async (t) => {
    const { root, source } = await start(t, {});
    const link = `${root}-link`;
    await symlink(root, link);
    t.teardown(() => rm(link));
    const linked = await only(kind.create(link));
    t.is(linked.stamp, (await only(source)).stamp);
    t.true(linked.path.startsWith(link));
  });

  test(title('symlinks that lead in a circle end'), async (t) => {
    const { root, source } = await start(t, {});
    await mkdir(join(root, 'x', 'y'), { recursive: true });
    await symlink(root, join(root, 'x', 'y', 'up'));
    await symlink('self', join(root, 'self'));
    const { refs } = await source.list();
    t.is(refs.length, 1);
  });

  test(title('a path that is missing, empty or a file lists nothing and says so once'), async (t) => {
    const root = await scratch(t);
    await mkdir(join(root, 'empty'));
    await writeFile(join(root, 'file'), '');
    const expected = { missing: /does not exist/, empty: /is empty/, file: /is not a folder/ };
    for (const [name, reason] of Object.entries(expected)) {
      const { refs, problems } = await kind.create(join(root, name)).list();
      t.deepEqual(refs, []);
      t.deepEqual(
        problems.map((problem) => problem.severity),
        ['ignored'],
      );
      t.regex(problems[0]?.reason ?? '', reason);
    }
  });
};
