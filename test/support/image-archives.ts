import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';

/** An entry of a tar as a test wants it, also one that no honest program writes. */
export interface TarItem {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly header?: Partial<Header>;
}

/** The bytes of a tar. */
export const tarOf = (items: readonly TarItem[]): Promise<Buffer> => {
  const tar = pack();
  for (const { name, content, header } of items) {
    if (content === undefined) {
      tar.entry({ name, ...header });
    } else {
      tar.entry({ name, ...header }, Buffer.from(content));
    }
  }
  tar.finalize();
  return buffer(tar);
};

/** `sha256:…` of bytes. */
export const digestOf = (content: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

const blob = (content: string | Uint8Array): TarItem => ({
  name: `blobs/sha256/${digestOf(content).slice(7)}`,
  content,
});

/** What can be wrong with a base image of a test. */
export interface BaseSpec {
  readonly gzip?: boolean;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly config?: Readonly<Record<string, unknown>>;
  /** What the layer has; one small file unless told. */
  readonly files?: readonly TarItem[];
  /** Changes the finished entries. */
  readonly change?: (items: TarItem[]) => readonly TarItem[];
}

/** A small base image: one layer with one file, settings, a history. */
export const baseParts = async (
  spec: BaseSpec = {},
): Promise<{ readonly layer: Buffer; readonly diffId: string; readonly config: string }> => {
  const plain = await tarOf(
    spec.files ?? [{ name: 'etc/base', content: 'base\n', header: { mtime: new Date(0) } }],
  );
  const config = JSON.stringify({
    ...(spec.platform ?? { os: 'linux', architecture: 'amd64' }),
    created: '2026-03-04T05:06:07Z',
    config: { Env: ['PATH=/usr/bin', 'A=old'], Cmd: ['serve'], Labels: { kept: 'yes' }, User: '1000' },
    rootfs: { type: 'layers', diff_ids: [digestOf(plain)] },
    history: [{ created_by: 'base' }, { created_by: 'CMD', empty_layer: true }],
    ...spec.config,
  });
  return {
    layer: spec.gzip === true ? gzipSync(plain) : plain,
    diffId: digestOf(plain),
    config,
  };
};

/** Writes a base image in OCI layout, as skopeo does. */
export const writeOciBase = async (file: string, spec: BaseSpec = {}): Promise<void> => {
  const { layer, config } = await baseParts(spec);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config),
      size: config.length,
    },
    layers: [
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length },
    ],
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digestOf(manifest),
        size: manifest.length,
      },
    ],
  });
  const items: TarItem[] = [
    blob(layer),
    blob(config),
    blob(manifest),
    { name: 'index.json', content: index },
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
  ];
  await writeFile(file, await tarOf(spec.change?.(items) ?? items));
};

/** Writes a base image as old engines save it: the layer by a link in a folder of its own, manifest.json at the end. */
export const writeDockerBase = async (file: string, spec: BaseSpec = {}): Promise<void> => {
  const { layer, config } = await baseParts(spec);
  const items: TarItem[] = [
    { name: 'layers/one.tar', content: layer },
    { name: 'config.json', content: config },
    { name: 'abc/', header: { type: 'directory' } },
    { name: 'abc/layer.tar', header: { type: 'symlink', linkname: '../layers/one.tar' } },
    {
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'config.json', RepoTags: ['base:1'], Layers: ['abc/layer.tar'] }]),
    },
  ];
  await writeFile(file, await tarOf(spec.change?.(items) ?? items));
};
