import { copyFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { digestZip } from '../../src/archive/zip-digest.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { scratch } from '../support/scratch.ts';
import { buildZip, type ZipEntrySpec } from '../support/zip-builder.ts';

const entries: readonly ZipEntrySpec[] = [
  { name: 'demo-1.0.0/manifest.yml', content: 'name: demo' },
  { name: 'demo-1.0.0/docs/README.md', content: '# Demo' },
];

test('a copy has the same digest; another content, name, order or size has another', async (t) => {
  const folder = await scratch(t);
  const digestOf = async (bytes: Buffer): Promise<string | undefined> => {
    await writeFile(join(folder, 'one.zip'), bytes);
    return digestZip(join(folder, 'one.zip'));
  };
  const digest = await digestOf(buildZip(entries));
  t.is(digest?.length, 43);
  await copyFile(join(folder, 'one.zip'), join(folder, 'two.zip'));
  t.is(await digestZip(join(folder, 'two.zip')), digest);
  const others = [
    buildZip([{ name: 'demo-1.0.0/manifest.yml', content: 'name: demi' }, ...entries.slice(1)]),
    buildZip([{ name: 'demo-1.0.0/manifest.yaml', content: 'name: demo' }, ...entries.slice(1)]),
    buildZip(entries.toReversed()),
    buildZip(entries, { comment: Buffer.from('x') }),
    Buffer.concat([Buffer.from('x'), buildZip(entries)]),
  ];
  const seen = new Set([digest]);
  for (const bytes of others) {
    seen.add(await digestOf(bytes));
  }
  t.is(seen.size, others.length + 1);
});

test('a directory that is longer than what is read at once is taken whole', async (t) => {
  const path = join(await scratch(t), 'long.zip');
  const many = Array.from({ length: 3000 }, (_, at) => ({ name: `demo-1.0.0/file-${at}`, content: 'x' }));
  await writeFile(path, buildZip(many));
  const digest = await digestZip(path);
  await writeFile(path, buildZip([{ name: 'demo-1.0.0/file-0', content: 'y' }, ...many.slice(1)]));
  t.not(await digestZip(path), digest);
  t.truthy(digest);
});

test('what only a reader can judge has no digest', async (t) => {
  const path = join(await scratch(t), 'odd.zip');
  const whole = buildZip(entries);
  const odd = {
    'two end records': buildZip(entries, { comment: buildZip([]) }),
    'no end record': whole.subarray(0, -22),
    'a place that is none': buildZip(entries, { directoryOffset: 0xfffffff0 }),
    Zip64: buildZip(entries, { directoryOffset: 0xffffffff }),
    nothing: Buffer.alloc(0),
  };
  for (const [what, bytes] of Object.entries(odd)) {
    await writeFile(path, bytes);
    t.is(await digestZip(path), undefined, what);
  }
  await writeFile(path, whole);
  await truncate(path, whole.length - 1);
  t.is(await digestZip(path), undefined, 'cut off');
  await t.throwsAsync(digestZip(`${path}.none`), { instanceOf: DepotError, code: 'FILE_UNREADABLE' });
});
