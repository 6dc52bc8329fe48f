import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { openBaseImage, type BaseImage } from '../../src/image/base-image.ts';
import type { Platform } from '../../src/image/image-config.ts';
import {
  digestOf,
  tarOf,
  writeDockerBase,
  writeOciBase,
  type BaseSpec,
  type TarItem,
} from '../support/image-archives.ts';
import { scratch } from '../support/scratch.ts';

const openAt = (file: string, platform?: Platform): Promise<BaseImage> =>
  openBaseImage(file, platform, new AbortController().signal);

const written = async (
  t: ExecutionContext,
  write: (file: string, spec?: BaseSpec) => Promise<void>,
  spec?: BaseSpec,
): Promise<string> => {
  const file = join(await scratch(t), 'base.tar');
  await write(file, spec);
  return file;
};

const renamed = (items: readonly TarItem[], from: string, to: Partial<TarItem>): readonly TarItem[] =>
  items.map((item) => (item.name === from ? { ...item, ...to } : item));

const dockerFaults: readonly (readonly [string, BaseSpec, RegExp])[] = [
  [
    'a layer that another one was put in place of',
    { change: (items) => renamed(items, 'layers/one.tar', { content: 'other' }) },
    /layer 1 unpacks to sha256:.*, its config says/,
  ],
  [
    'a manifest that names a file outside',
    {
      change: (items) =>
        renamed(items, 'manifest.json', {
          content: JSON.stringify([{ Config: '../../../etc/passwd', Layers: ['abc/layer.tar'] }]),
        }),
    },
    /it names "..\/..\/..\/etc\/passwd", which is not in it/,
  ],
  [
    'a link that leads outside',
    {
      change: (items) =>
        renamed(items, 'abc/layer.tar', { header: { type: 'symlink', linkname: '/etc/passwd' } }),
    },
    /which is not in it/,
  ],
  [
    'links in a circle',
    {
      change: (items) =>
        renamed(items, 'abc/layer.tar', { header: { type: 'symlink', linkname: 'layer.tar' } }),
    },
    /which is not in it/,
  ],
  [
    'a name that is there twice',
    { change: (items) => [...items, { name: './config.json', content: '{}' }] },
    /"config.json" is there twice/,
  ],
  [
    'a manifest of another form',
    { change: (items) => renamed(items, 'manifest.json', { content: '[{"Config":1}]' }) },
    /another form/,
  ],
  [
    'a manifest that is no JSON',
    { change: (items) => renamed(items, 'manifest.json', { content: '[{' }) },
    /no JSON list/,
  ],
  [
    'a description of absurd size',
    { change: (items) => renamed(items, 'manifest.json', { content: Buffer.alloc(9 << 20, 32) }) },
    /such a file has a few thousand/,
  ],
  [
    'a layer too few in its config',
    { config: { rootfs: { type: 'layers', diff_ids: [] } } },
    /its config names 0 layers, its manifest 1/,
  ],
  [
    'digests of another kind',
    { config: { rootfs: { type: 'layers', diff_ids: ['md5:../../x'] } } },
    /no good list of layers/,
  ],
  ['no architecture', { config: { architecture: 7 } }, /no operating system and architecture/],
  ['settings that are no object', { config: { config: [] } }, /no object/],
  [
    'nothing that describes an image',
    { change: (items) => items.filter(({ name }) => name !== 'manifest.json') },
    /no image archive/,
  ],
  [
    'a gzip layer that is cut',
    {
      change: (items) =>
        renamed(items, 'layers/one.tar', { content: gzipSync(Buffer.alloc(1000)).subarray(0, 20) }),
    },
    /no whole gzip stream/,
  ],
  [
    'a layer compressed by zstd',
    {
      change: (items) =>
        renamed(items, 'layers/one.tar', { content: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]) }),
    },
    /compressed by zstd; `skopeo/,
  ],
];

for (const [title, spec, message] of dockerFaults) {
  test(`a docker archive is refused for ${title}`, async (t) => {
    const file = await written(t, writeDockerBase, spec);
    await t.throwsAsync(openAt(file), { code: 'BASE_IMAGE_INVALID', message });
  });
}

/** Still a good config, of the same length, that starts something else. */
const changedConfig = ({ content }: TarItem): string => String(content).replace('"serve"', '"other"');

for (const name of [
  (hex: string) => `${hex}.json`,
  (hex: string) => `blobs/sha256/${hex}`,
  (hex: string) => `sha256:${hex}`,
]) {
  const form = name('X');
  test(`a docker archive that names its config ${form} is held to it`, async (t) => {
    const named =
      (change: (item: TarItem) => Partial<TarItem>) =>
      (items: TarItem[]): readonly TarItem[] => {
        const config = items.find((item) => item.name === 'config.json') ?? { name: '' };
        const to = name(digestOf(config.content ?? '').slice('sha256:'.length));
        const manifest = JSON.stringify([{ Config: to, Layers: ['abc/layer.tar'] }]);
        return renamed(renamed(items, 'config.json', { name: to, ...change(config) }), 'manifest.json', {
          content: manifest,
        });
      };
    const good = await written(t, writeDockerBase, { change: named(() => ({})) });
    t.is((await openAt(good)).layers.length, 1);
    const bad = await written(t, writeDockerBase, {
      change: named((config) => ({ content: changedConfig(config) })),
    });
    await t.throwsAsync(openAt(bad), {
      code: 'BASE_IMAGE_INVALID',
      message: /has another content than its name says/,
    });
  });
}

const ociFaults: readonly (readonly [string, (items: TarItem[]) => readonly TarItem[], RegExp])[] = [
  [
    'a manifest with another content than its name says',
    (items) =>
      items.map((item) =>
        String(item.content).includes('"layers":[{')
          ? { ...item, content: `${String(item.content)} ` }
          : item,
      ),
    /has another content than its name says/,
  ],
  [
    'a layer with another content than its name says',
    (items) => items.map((item, at) => (at === 0 ? { ...item, content: 'other' } : item)),
    /layer 1 has the digest sha256:/,
  ],
  [
    'a config with another content than its name says',
    (items) => items.map((item, at) => (at === 1 ? { ...item, content: changedConfig(item) } : item)),
    /its config blobs\/sha256\/[0-9a-f]{64} has another content than its name says/,
  ],
  [
    'a digest that is a path',
    (items) =>
      renamed(items, 'index.json', { content: '{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}' }),
    /is no sha256 digest/,
  ],
  [
    'an index that is no object',
    (items) => renamed(items, 'index.json', { content: '[]' }),
    /no JSON object/,
  ],
  ['no image', (items) => renamed(items, 'index.json', { content: '{"manifests":[]}' }), /it has no image/],
];

for (const [title, change, message] of ociFaults) {
  test(`an OCI archive is refused for ${title}`, async (t) => {
    const file = await written(t, writeOciBase, { change });
    await t.throwsAsync(openAt(file), { code: 'BASE_IMAGE_INVALID', message });
  });
}

test('an index that names itself ends', async (t) => {
  // No digest can be its own: the nearest thing is a deep chain.
  let inner = '{"manifests":[]}';
  const blobs: TarItem[] = [];
  for (let depth = 0; depth < 10; depth += 1) {
    const digest = digestOf(inner);
    blobs.push({ name: `blobs/sha256/${digest.slice(7)}`, content: inner });
    inner = JSON.stringify({ manifests: [{ digest }] });
  }
  const file = join(await scratch(t), 'base.tar');
  await writeFile(
    file,
    await tarOf([
      ...blobs,
      { name: 'index.json', content: inner },
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    ]),
  );
  await t.throwsAsync(openAt(file), { code: 'BASE_IMAGE_INVALID', message: /nested too deeply/ });
});

test('the platform is held to what the archive has', async (t) => {
  const file = await written(t, writeOciBase, { platform: { os: 'linux', architecture: 'arm64' } });
  t.is((await openAt(file)).config.platform.architecture, 'arm64');
  await t.throwsAsync(openAt(file, { os: 'linux', architecture: 'amd64' }), {
    code: 'BASE_IMAGE_INVALID',
    message: /images for linux\/arm64, none for linux\/amd64/,
  });
});

test('what is no tar, is cut off, is compressed as a whole or absent is refused with the way out', async (t) => {
  const file = await written(t, writeDockerBase);
  const whole = await readFile(file);
  const place = join(await scratch(t), 'x.tar');
  await writeFile(place, gzipSync(whole));
  await t.throwsAsync(openAt(place), { code: 'BASE_IMAGE_INVALID', message: /gzip -dk FILE/ });
  await writeFile(place, whole);
  await truncate(place, 700);
  await t.throwsAsync(openAt(place), { code: 'BASE_IMAGE_INVALID', message: /cut off/ });
  await writeFile(place, 'x'.repeat(5000));
  await t.throwsAsync(openAt(place), { code: 'BASE_IMAGE_INVALID', message: /not a tar archive/ });
  await t.throwsAsync(openAt(`${place}.absent`), { code: 'BASE_IMAGE_INVALID', message: /cannot be read/ });
});
