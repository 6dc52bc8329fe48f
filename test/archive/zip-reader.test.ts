import { writeFile, truncate, rm, rename } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openZip, type ZipArchive, type ZipOptions } from '../../src/archive/zip-reader.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { openZipPackage } from '../../src/source/zip-package.ts';
import { hostileZips, testLimits } from '../support/hostile-zips.ts';
import { scratch } from '../support/scratch.ts';
import { buildZip, zip64End, zip64Extra } from '../support/zip-builder.ts';

const place = async (t: ExecutionContext, bytes: Buffer): Promise<string> => {
  const path = join(await scratch(t), 'x.zip');
  await writeFile(path, bytes);
  return path;
};

const openBytes = async (t: ExecutionContext, bytes: Buffer, options?: ZipOptions): Promise<ZipArchive> => {
  const zip = await openZip(await place(t, bytes), testLimits, options);
  t.teardown(() => zip.close());
  return zip;
};

const readAll = async (path: string, options: ZipOptions): Promise<void> => {
  const zip = await openZip(path, testLimits, options);
  try {
    for (const name of zip.files.keys()) {
      await zip.read(name);
    }
  } finally {
    await zip.close();
  }
};

for (const hostile of hostileZips) {
  test(`refuses ${hostile.title}`, async (t) => {
    const path = await place(t, hostile.bytes());
    for (const blocking of [true, false]) {
      const act = hostile.isPackageRule
        ? async () => (await openZipPackage(path, testLimits, { blocking })).close()
        : () => readAll(path, { blocking });
      const error = await t.throwsAsync(act, { instanceOf: DepotError });
      t.is(error?.code, hostile.code, error?.message);
      t.regex(error?.message ?? '', hostile.reason);
    }
  });
}

test('reasons name the entry and escape what would forge a log line', async (t) => {
  const path = await place(t, buildZip([{ name: 'a-1.0.0/x\n{"level":"error"}', content: '' }]));
  const error = await t.throwsAsync(readAll(path, {}));
  t.is(error?.message, 'entry "a-1.0.0/x\\n{\\"level\\":\\"error\\"}" has a control character in its name');
});

test('reads stored, deflated, empty and streamed entries, with both ways of reading', async (t) => {
  const bytes = buildZip([
    { name: 'a-1.0.0/' },
    { name: 'a-1.0.0/stored', content: 'plain', method: 0 },
    { name: 'a-1.0.0/deflated', content: 'x'.repeat(5000) },
    { name: 'a-1.0.0/empty', content: '' },
    { name: 'a-1.0.0/nothing', content: '', method: 0 },
    { name: 'a-1.0.0/streamed', content: 'streamed', isStreamed: true },
    { name: 'a-1.0.0/large', content: Buffer.alloc(2_000_000, 'abcdefghij'), method: 0 },
    {
      name: 'a-1.0.0/half a million',
      content: Buffer.from(Array.from({ length: 500_000 }, (_, at) => (at * at) >> 3)),
    },
  ]);
  for (const blocking of [true, false]) {
    const zip = await openBytes(t, bytes, { blocking });
    t.is((await zip.read('a-1.0.0/stored')).toString(), 'plain');
    t.is((await zip.read('a-1.0.0/deflated')).toString(), 'x'.repeat(5000));
    t.is((await zip.read('a-1.0.0/empty')).length, 0);
    t.is((await zip.read('a-1.0.0/nothing')).length, 0);
    t.is((await zip.read('a-1.0.0/streamed')).toString(), 'streamed');
    t.deepEqual(await zip.read('a-1.0.0/large'), Buffer.alloc(2_000_000, 'abcdefghij'));
    t.is((await zip.read('a-1.0.0/half a million')).length, 500_000);
    t.deepEqual([...zip.folders], ['a-1.0.0']);
  }
});

test('implies folders where the archive has no entries for them', async (t) => {
  const zip = await openBytes(t, buildZip([{ name: 'a/b/c/d', content: 'x' }]));
  t.deepEqual([...zip.folders].toSorted(), ['a', 'a/b', 'a/b/c']);
});

test('takes names in UTF-8 with and without the flag, blanks and pluses', async (t) => {
  const names = ['a/größe.md', 'a/b c+d.png', 'a/日本.yml', 'a/😀'];
  for (const flags of [0, 0x0800]) {
    const zip = await openBytes(t, buildZip(names.map((name) => ({ name, content: name, flags }))));
    t.deepEqual([...zip.files.keys()], names);
    t.is((await zip.read('a/😀')).toString(), 'a/😀');
  }
});

test('reads Zip64: sizes and offset in the extra field, count in the Zip64 end record', async (t) => {
  const content = Buffer.from('sixty-four');
  const spec = { name: 'a/x', content, method: 0 };
  const start = buildZip([spec]).indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  const entry = {
    ...spec,
    data: content,
    size: 0xffffffff,
    compressedSize: 0xffffffff,
    extra: zip64Extra(content.length, content.length),
    local: {
      size: 0xffffffff,
      compressedSize: 0xffffffff,
      extra: zip64Extra(content.length, content.length),
    },
  };
  const plain = buildZip([entry]);
  const directory = plain.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  t.true(directory > start);
  const bytes = buildZip([entry], {
    count: 0xffff,
    directoryOffset: 0xffffffff,
    directorySize: 0xffffffff,
    beforeEnd: zip64End(1, plain.length - 22 - directory, directory, plain.length - 22),
  });
  const zip = await openBytes(t, bytes);
  t.is((await zip.read('a/x')).toString(), 'sixty-four');
});

test('takes an archive with a comment, and one with a gap between its entries', async (t) => {
  const zip = await openBytes(
    t,
    buildZip(
      [
        { name: 'a/x', content: 'x' },
        { name: 'a/y', content: 'y', before: Buffer.alloc(5000) },
      ],
      {
        comment: Buffer.from('a comment'),
      },
    ),
  );
  t.is((await zip.read('a/x')).toString(), 'x');
  t.is((await zip.read('a/y')).toString(), 'y');
});

test('reads a local header whose extra field is longer than expected', async (t) => {
  const zip = await openBytes(
    t,
    buildZip([{ name: 'a/x', content: 'long', local: { extra: Buffer.alloc(3000) } }]),
  );
  t.is((await zip.read('a/x')).toString(), 'long');
});

test('reads a directory that is longer than what is read of the end at first', async (t) => {
  const names = Array.from({ length: 4000 }, (_, at) => `a/${'n'.repeat(80)}${at}`);
  for (const blocking of [true, false]) {
    const zip = await openBytes(t, buildZip(names.map((name) => ({ name, content: name }))), { blocking });
    t.is(zip.files.size, 4000);
    for (const name of names.slice(-2)) {
      t.is((await zip.read(name)).toString(), name);
    }
    for (const name of names.slice(0, 2)) {
      t.is((await zip.read(name)).toString(), name);
    }
  }
});

test('an entry that is not there is RESOURCE_UNKNOWN, also names of objects', async (t) => {
  const zip = await openBytes(t, buildZip([{ name: 'a/x', content: 'x' }]));
  for (const name of ['a', 'a/', 'a/y', '', '__proto__', 'constructor', '../a/x', 'a/./x', 'a//x']) {
    await t.throwsAsync(zip.read(name), { instanceOf: DepotError, code: 'RESOURCE_UNKNOWN' }, name);
  }
});

test('an open archive is read to its end although it was deleted or replaced', async (t) => {
  const path = await place(t, buildZip([{ name: 'a/x', content: 'old' }]));
  for (const blocking of [true, false]) {
    await writeFile(path, buildZip([{ name: 'a/x', content: 'old' }]));
    const zip = await openZip(path, testLimits, { blocking });
    await writeFile(`${path}.new`, buildZip([{ name: 'a/x', content: 'new' }]));
    await rename(`${path}.new`, path);
    t.is((await zip.read('a/x')).toString(), 'old');
    await rm(path);
    t.is((await zip.read('a/x')).toString(), 'old');
    await zip.close();
  }
});

test('an archive that is cut or overwritten while it is read gives an error, not wrong bytes', async (t) => {
  for (const blocking of [true, false]) {
    const path = await place(t, buildZip([{ name: 'a/x', content: 'x'.repeat(300), method: 0 }]));
    const zip = await openZip(path, testLimits, { blocking });
    await truncate(path, 50);
    await t.throwsAsync(zip.read('a/x'), { code: 'FILE_UNREADABLE', message: /become shorter/ });
    await writeFile(path, buildZip([{ name: 'a/y', content: 'y'.repeat(300), method: 0 }]));
    await t.throwsAsync(zip.read('a/x'), {
      code: 'ZIP_INVALID',
      message: /"a\/x" has another CRC|another name/,
    });
    await zip.close();
    await t.throwsAsync(zip.read('a/x'), { code: 'FILE_UNREADABLE', message: /closed/ });
  }
});

test('an archive that is missing, or is a folder, is FILE_UNREADABLE with its cause in words', async (t) => {
  const folder = await scratch(t);
  for (const blocking of [true, false]) {
    await t.throwsAsync(openZip(join(folder, 'no.zip'), testLimits, { blocking }), {
      code: 'FILE_UNREADABLE',
      message: /^the archive cannot be read: it is gone/,
    });
    await t.throwsAsync(openZip(folder, testLimits, { blocking }), {
      code: 'FILE_UNREADABLE',
      message: /it is a folder/,
    });
  }
});

test('many reads of one archive at once all give their own content', async (t) => {
  const names = Array.from({ length: 200 }, (_, at) => `a/${at}`);
  const zip = await openBytes(t, buildZip(names.map((name) => ({ name, content: name.repeat(50) }))), {
    blocking: false,
  });
  const contents = await Promise.all(names.map((name) => zip.read(name)));
  t.deepEqual(
    contents.map(String),
    names.map((name) => name.repeat(50)),
  );
});
