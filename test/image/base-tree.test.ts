import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { BaseLayer } from '../../src/image/base-image.ts';
import { readBaseTree, type BaseTree } from '../../src/image/base-tree.ts';
import { foldersTo } from '../../src/image/ready-index.ts';
import { digestOf, tarOf, type TarItem } from '../support/image-archives.ts';

const layerOf = async (items: readonly TarItem[], gzip = false): Promise<BaseLayer> => {
  const plain = await tarOf(items);
  const bytes = gzip ? gzipSync(plain) : plain;
  return {
    digest: digestOf(bytes),
    size: bytes.length,
    mediaType: `application/vnd.oci.image.layer.v1.tar${gzip ? '+gzip' : ''}`,
    stream: async function* () {
      // Pieces that end anywhere.
      for (let at = 0; at < bytes.length; at += 1000) {
        yield bytes.subarray(at, at + 1000);
      }
    },
  };
};

const treeOf = async (...layers: readonly (readonly TarItem[])[]): Promise<BaseTree> =>
  readBaseTree(
    await Promise.all(layers.map((items, at) => layerOf(items, at % 2 === 1))),
    (path) => (path.endsWith('.txt') ? 2000 : 0),
    new AbortController().signal,
  );

const file = (name: string, content = name): TarItem => ({ name, content });
const folder = (name: string, mode = 0o755): TarItem => ({ name, header: { type: 'directory', mode } });
const link = (name: string): TarItem => ({ name, header: { type: 'symlink', linkname: 'elsewhere' } });
const contents = ({ files }: BaseTree): Record<string, string> =>
  Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString()]));

test('wanted files are read whole, those that are too large or not wanted are only noted', async (t) => {
  const tree = await treeOf([
    file('a.txt', 'A'.repeat(2000)),
    file('b.txt', 'B'.repeat(2001)),
    file('c.bin'),
  ]);
  t.deepEqual(contents(tree), { '/a.txt': 'A'.repeat(2000) });
  t.deepEqual([...tree.others], ['/b.txt', '/c.bin']);
});

test('names are below the root, however they are written', async (t) => {
  const tree = await treeOf([file('./a/b.txt'), file('/c.txt'), file('../../d.txt'), folder('./a/')]);
  t.deepEqual(Object.keys(contents(tree)), ['/a/b.txt', '/c.txt', '/d.txt']);
  t.deepEqual([...tree.folders.keys()], ['/a']);
});

test('a higher layer replaces a file, and the rights of a folder without what is in it', async (t) => {
  const tree = await treeOf(
    [folder('a/', 0o700), file('a/one.txt', 'old'), file('a/two.txt')],
    [folder('a/', 0o777), file('a/one.txt', 'new')],
  );
  t.deepEqual(contents(tree), { '/a/two.txt': 'a/two.txt', '/a/one.txt': 'new' });
  t.is(tree.folders.get('/a')?.mode, 0o777);
});

test('what a higher layer removes is gone: a file, a folder with all in it, and all in an opaque folder', async (t) => {
  const below = [
    folder('a/'),
    file('a/one.txt'),
    file('a/two.txt'),
    folder('b/'),
    file('b/deep.txt'),
    folder('c/'),
    file('c/old.txt'),
    file('bb.txt'),
  ];
  const above = [file('a/.wh.one.txt'), file('.wh.b'), file('c/new.txt'), file('c/.wh..wh..opq')];
  const tree = await treeOf(below, above);
  t.deepEqual(Object.keys(contents(tree)).toSorted(), ['/a/two.txt', '/bb.txt', '/c/new.txt']);
  t.deepEqual([...tree.folders.keys()], ['/a', '/c']);
});

test('a folder that becomes a link has nothing in it any more, and a link that becomes a folder is one', async (t) => {
  const tree = await treeOf([folder('a/'), file('a/one.txt'), link('b')], [link('a'), folder('b/')]);
  t.deepEqual(contents(tree), {});
  t.deepEqual([...tree.others], ['/a']);
  t.is(foldersTo(tree, '/a/cache'), undefined);
  t.deepEqual(foldersTo(tree, '/b/cache/deep'), [
    { path: '/b', mode: 0o755, uid: 0, gid: 0 },
    { path: '/b/cache', mode: 0o755, uid: 0, gid: 0 },
    { path: '/b/cache/deep', mode: 0o777, uid: 0, gid: 0 },
  ]);
});
