import type { PackedEntry } from '../archive/tar-writer.ts';
import { blobName, digestText, type Digested } from './digest.ts';
import type { Platform } from './image-config.ts';
import type { ImageName } from './image-name.ts';

/** A layer that is to be written. */
export interface ImageBlob extends Digested {
  readonly mediaType: string;
  open(): AsyncIterable<Uint8Array>;
}

/** A whole image. */
export interface ImageParts {
  /** The config, as JSON. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly ImageBlob[];
  readonly name: ImageName;
  /** ISO time. */
  readonly created: string;
  readonly platform: Platform;
}

const types = {
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
} as const;

/**
 * The files of an image archive, in their order, and the digest of the manifest. It is both an OCI image layout (image-spec 1.1) and
 * what `docker load` takes (manifest.json with config and layers by name). The descriptions come first, so that a reader of a stream
 * knows what will come.
 */
export const layOutImage = (
  parts: ImageParts,
): { readonly digest: string; readonly entries: readonly PackedEntry[] } => {
  const { config, layers, created } = parts;
  const mtime = Math.floor(Date.parse(created) / 1000);
  const configBlob = digestText(config);
  const manifest = formatManifest(configBlob, layers);
  const manifestBlob = digestText(manifest);
  // The same layer twice is one blob.
  const blobs = new Map(layers.map((layer) => [layer.digest, layer]));
  return {
    digest: manifestBlob.digest,
    entries: [
      textEntry('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }), mtime),
      textEntry('index.json', formatIndex(manifestBlob, parts), mtime),
      textEntry('manifest.json', formatDockerManifest(configBlob, parts), mtime),
      { name: 'blobs/', type: 'directory', size: 0, mtime },
      { name: 'blobs/sha256/', type: 'directory', size: 0, mtime },
      textEntry(blobName(manifestBlob.digest), manifest, mtime),
      textEntry(blobName(configBlob.digest), config, mtime),
      ...[...blobs.values()].map(({ digest, size, open }): PackedEntry => ({
        name: blobName(digest),
        type: 'file',
        size,
        mtime,
        open,
      })),
    ],
  };
};

const formatManifest = (config: Digested, layers: readonly ImageBlob[]): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, ...config },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });

const formatIndex = (manifest: Digested, { name, created, platform }: ImageParts): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [
      {
        mediaType: types.manifest,
        ...manifest,
        annotations: {
          'io.containerd.image.name': name.full,
          'org.opencontainers.image.created': created,
          'org.opencontainers.image.ref.name': name.tag,
        },
        platform,
      },
    ],
  });

const formatDockerManifest = (config: Digested, { name, layers }: ImageParts): string =>
  JSON.stringify([
    {
      Config: blobName(config.digest),
      RepoTags: [name.text],
      Layers: layers.map(({ digest }) => blobName(digest)),
    },
  ]);

const textEntry = (name: string, content: string, mtime: number): PackedEntry => ({
  name,
  type: 'file',
  size: Buffer.byteLength(content),
  mtime,
  open: () => once(content),
});

// eslint-disable-next-line require-await
async function* once(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}
