import { constants } from 'node:fs';
import { access, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf } from '../files/errno.ts';
import { syncFolder } from '../files/folder.ts';
import { refuseSpecialFile } from '../files/place.ts';
import { discardLeftIn, temporaryBeside } from '../files/temporary.ts';
import { DepotError } from '../domain/errors.ts';
import { blobName, digestText, type Digested } from './digest.ts';
import type { Platform } from './image-config.ts';
import type { ImageName } from './image-name.ts';
import { packTar, type PackedEntry } from '../archive/tar-writer.ts';

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

/** Where it goes. */
export interface ArchiveTarget {
  readonly output: string;
  readonly replace: boolean;
  readonly signal: AbortSignal;
  onBytes(count: number): void;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/**
 * Writes an image as one tar that is both an OCI image layout (image-spec 1.1) and what `docker load` takes (manifest.json with
 * config and layers by name). The descriptions come first, so that a reader of a stream knows what will come. Throws
 * IMAGE_WRITE_FAILED; the output appears whole or not at all.
 */
export const writeArchive = async (
  parts: ImageParts,
  target: ArchiveTarget,
): Promise<{ readonly digest: string; readonly bytes: number }> => {
  const { output } = target;
  await checkPlace(output, target.replace);
  const { digest, entries } = layOut(parts);
  await discardLeftIn(path.dirname(output));
  const temporary = await temporaryBeside(output);
  let handle: FileHandle | undefined;
  try {
    handle = await attempt(output, () => open(temporary, 'wx', 0o644));
    const bytes = await writeAll(handle, entries, target);
    const file = handle;
    await attempt(output, () => file.sync());
    await file.close();
    handle = undefined;
    await attempt(output, () => rename(temporary, output));
    await attempt(output, () => syncFolder(path.dirname(output)));
    return { digest, bytes };
  } finally {
    await handle?.close();
    await rm(temporary, { force: true });
  }
};

/**
 * Whether an image may be written there, asked before hours are spent on what goes into it. Throws USAGE where something is there that
 * stays, FILE_FAILED where that is a device or a pipe, IMAGE_WRITE_FAILED where there is no folder for it, or one
 * that can't be written to.
 */
export const checkPlace = async (output: string, replace: boolean): Promise<void> => {
  const found = await stat(output).catch(() => undefined);
  if (found?.isDirectory() === true) {
    throw new DepotError('USAGE', { reason: `${output} is a folder; name a file in it with -o` });
  }
  if (found !== undefined && !replace) {
    throw new DepotError('USAGE', { reason: `${output} is there already; --replace writes over it` });
  }
  await refuseSpecialFile(
    output,
    'an image is written to a plain file, which is whole before it gets its name',
  );
  await attempt(output, () => access(path.dirname(output), constants.W_OK));
};

const writeAll = async (
  handle: FileHandle,
  entries: readonly PackedEntry[],
  { output, signal, onBytes }: ArchiveTarget,
): Promise<number> => {
  let bytes = 0;
  for await (const chunk of packTar(entries)) {
    signal.throwIfAborted();
    let left = chunk;
    while (left.length > 0) {
      const piece = left;
      const { bytesWritten } = await attempt(output, () => handle.write(piece));
      left = left.subarray(bytesWritten);
    }
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return bytes;
};

const layOut = ({
  config,
  layers,
  name,
  created,
  platform,
}: ImageParts): { readonly digest: string; readonly entries: readonly PackedEntry[] } => {
  const mtime = Math.floor(Date.parse(created) / 1000);
  const text = (entry: string, content: string): PackedEntry => ({
    name: entry,
    type: 'file',
    size: Buffer.byteLength(content),
    mtime,
    open: () => once(content),
  });
  const folder = (entry: string): PackedEntry => ({ name: entry, type: 'directory', size: 0, mtime });
  const configBlob = digestText(config);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configBlob },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });
  const manifestBlob = digestText(manifest);
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: manifestType,
        ...manifestBlob,
        annotations: {
          'io.containerd.image.name': name.full,
          'org.opencontainers.image.created': created,
          'org.opencontainers.image.ref.name': name.tag,
        },
        platform,
      },
    ],
  });
  const docker = JSON.stringify([
    {
      Config: blobName(configBlob.digest),
      RepoTags: [name.text],
      Layers: layers.map(({ digest }) => blobName(digest)),
    },
  ]);
  // The same layer twice is one blob.
  const blobs = new Map(layers.map((layer) => [layer.digest, layer]));
  return {
    digest: manifestBlob.digest,
    entries: [
      text('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
      text('index.json', index),
      text('manifest.json', docker),
      folder('blobs/'),
      folder('blobs/sha256/'),
      text(blobName(manifestBlob.digest), manifest),
      text(blobName(configBlob.digest), config),
      ...[...blobs.values()].map(({ digest, size, open: read }): PackedEntry => ({
        name: blobName(digest),
        type: 'file',
        size,
        mtime,
        open: read,
      })),
    ],
  };
};

// eslint-disable-next-line require-await
async function* once(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

const attempt = async <T>(output: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw new DepotError('IMAGE_WRITE_FAILED', { path: output, reason: reasonOf(error) }, error);
  }
};
