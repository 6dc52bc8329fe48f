import { stat } from 'node:fs/promises';
import { openBaseImage, type BaseImage, type BaseLayer } from './base-image.ts';
import { readBaseTree } from './base-tree.ts';
import { contentRoot, listContent, type ContentFile } from './content.ts';
import { digestStream, type Digested } from './digest.ts';
import { emptyConfig, envOf, extendConfig, mergeEnv, type Platform } from './image-config.ts';
import { checkPlace, writeArchive, type ImageBlob } from './image-archive.ts';
import type { ImageName } from './image-name.ts';
import { recordedSnapshot, type RecordedContent } from './recorded-content.ts';
import { planLayers } from './layer-plan.ts';
import { layerTar } from './layer-tar.ts';
import { indexTar, type MakeIndex, type ReadyIndex } from './ready-index.ts';
import { verifiedChunks, type Expected } from '../depot/verified-chunks.ts';
import { DepotError } from '../domain/errors.ts';

/** What is to be made. */
export interface ImageRequest {
  /** Folder of packages, or a depot. */
  readonly content: string;
  /** Image archive to build upon; without it the image has the content alone and runs nothing. */
  readonly base?: string;
  readonly output: string;
  readonly name: ImageName;
  /** Bytes that no layer of content exceeds. */
  readonly layerBytes: number;
  /** Which image of the base; without a base what the image is for. */
  readonly platform?: Platform;
  /** Folder of the image that takes the content, absolute. */
  readonly into: string;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970 for files and image; the base's own time where absent. */
  readonly time?: number;
  readonly replace: boolean;
  readonly signal: AbortSignal;
  /** What is known of the files of a folder, links followed; by default what a depot recorded of a snapshot. */
  readonly recorded?: (root: string) => Promise<RecordedContent | undefined>;
  /** Makes the index that the image's server reads at its start; absent for an image without. */
  readonly makeIndex?: MakeIndex;
  /** Bytes that are worked through, and how many there are. */
  onProgress(done: number, total: number): void;
}

/** What was made. */
export interface ImageResult {
  readonly output: string;
  readonly name: string;
  /** Of the manifest: what a registry calls the image. */
  readonly digest: string;
  readonly bytes: number;
  readonly files: number;
  readonly baseLayers: number;
  readonly layers: readonly { readonly digest: string; readonly size: number; readonly files: number }[];
  /** The index, which is the last of the layers, or why there is none; absent where none was asked for. */
  readonly index?: IndexResult;
}

/** What became of the index. */
export type IndexResult =
  | {
      /** In the image. */
      readonly file: string;
      /** Archives in it, and those that each start reads because it can't be told what they are. */
      readonly packages: number;
      readonly unknown: number;
    }
  | { readonly reason: string };

const layerType = 'application/vnd.oci.image.layer.v1.tar';

/**
 * Makes an image archive without a container engine, byte for byte the same for the same input. Content is read twice, once
 * for the digests that have to come first in the file, once to be written, so that memory and temporary space stay small. What
 * comes from a depot must be what the depot recorded.
 * Throws BASE_IMAGE_INVALID, IMAGE_CONTENT_INVALID, IMAGE_WRITE_FAILED; the output appears whole or not at all.
 */
export const makeImage = async (request: ImageRequest): Promise<ImageResult> => {
  const { signal, into } = request;
  await checkPlace(request.output, request.replace);
  const content = await contentRoot(request.content);
  const files = await listContent(content);
  const recorded = await (request.recorded ?? recordedSnapshot)(content);
  const plan = planLayers(files, request.layerBytes);
  // Base and content are each read twice.
  const total = 2 * (files.reduce((sum, { size }) => sum + size, 0) + (await bytesOf(request.base)));
  let done = 0;
  const step = (count: number): void => {
    signal.throwIfAborted();
    done += count;
    // The bytes of the index are not known beforehand, and few.
    request.onProgress(Math.min(done, total), total);
  };

  const base =
    request.base === undefined
      ? undefined
      : await openBaseImage(request.base, request.platform, signal, step);
  const config = base?.config ?? emptyConfig(request.platform ?? { os: 'linux', architecture: 'amd64' });
  const time = request.time ?? timeOf(config.tree['created']);
  const created = new Date(time * 1000).toISOString();
  const place = { into, mtime: time };

  const layers: MadeLayer[] = [];
  for (const part of plan) {
    const open = (): AsyncIterable<Uint8Array> => layerTar(part, place);
    layers.push({
      files: part.length,
      createdBy: historyLine(part, into),
      open,
      // Once is enough: what is written later must have the digest that is made here.
      ...(await digestStream(layerTar(part, recorded ? { ...place, recorded } : place), step)),
    });
  }
  const index = base && (await indexUpon(base, content, request));
  if (index && 'parts' in index) {
    layers.push({
      files: 1,
      createdBy: `fleet-depot image: the index of ${index.packages} packages`,
      open: () => indexTar(index, time),
      ...(await digestStream(indexTar(index, time))),
    });
  }
  const configText = extendConfig(config, {
    layers: layers.map(({ digest, createdBy }) => ({ diffId: digest, createdBy })),
    created,
    env: request.env,
    labels: request.labels,
  });
  const blobs: ImageBlob[] = [
    ...(base?.layers ?? []).map((layer) => baseBlob(layer, request.base ?? '')),
    ...layers.map(({ open, digest, size }) => ({
      digest,
      size,
      mediaType: layerType,
      open: () => verifiedChunks(open(), expected({ digest, size }), () => changed(request.content)),
    })),
  ];
  const written = await writeArchive(
    { config: configText, layers: blobs, name: request.name, created, platform: config.platform },
    { output: request.output, replace: request.replace, signal, onBytes: step },
  );
  return {
    ...written,
    output: request.output,
    name: request.name.text,
    files: files.length,
    baseLayers: base?.layers.length ?? 0,
    layers: layers.map(({ digest, size, files: count }) => ({ digest, size, files: count })),
    ...(index === undefined ? {} : { index: resultOf(index) }),
  };
};

/** A layer that is put upon the base. */
interface MadeLayer extends Digested {
  readonly files: number;
  readonly createdBy: string;
  open(): AsyncIterable<Uint8Array>;
}

/** The index of what the image will have; without a base nothing in it would read one. */
const indexUpon = async (
  { config, layers }: BaseImage,
  content: string,
  { into, env, layerBytes, makeIndex, signal }: ImageRequest,
): Promise<ReadyIndex | { readonly reason: string } | undefined> => {
  const index = await makeIndex?.({
    base: config,
    env: mergeEnv(envOf(config), env),
    content,
    into,
    signal,
    read: (limit) => readBaseTree(layers, limit, signal),
  });
  if (index && 'parts' in index) {
    const bytes = index.parts.reduce((sum, part) => sum + part.length, 0);
    return bytes > layerBytes
      ? { reason: `with ${bytes} bytes it does not fit into a layer of ${layerBytes}; raise --layer-size` }
      : index;
  }
  return index;
};

const resultOf = (index: ReadyIndex | { readonly reason: string }): IndexResult =>
  'parts' in index
    ? { file: index.file, packages: index.packages, unknown: index.unknown }
    : { reason: index.reason };

/** Only for the progress: what is wrong with the file comes out when it is opened. */
const bytesOf = async (file: string | undefined): Promise<number> =>
  file === undefined
    ? 0
    : await stat(file).then(
        ({ size }) => size,
        () => 0,
      );

const baseBlob = ({ digest, size, mediaType, stream }: BaseLayer, file: string): ImageBlob => ({
  digest,
  size,
  mediaType,
  open: () =>
    verifiedChunks(
      stream(),
      expected({ digest, size }),
      () => new DepotError('BASE_IMAGE_INVALID', { file, reason: 'it was changed while it was read' }),
    ),
});

/** What was hashed before has to come again. */
const expected = ({ digest, size }: Digested): Expected => ({
  sha256: digest.slice('sha256:'.length),
  size,
});

const changed = (folder: string): DepotError =>
  new DepotError('IMAGE_CONTENT_INVALID', {
    path: folder,
    reason: 'its files changed while the image was made; run the command again when nothing writes there',
  });

const historyLine = (part: readonly ContentFile[], into: string): string =>
  `fleet-depot image: ${part.length} files in ${into}`;

/** The base's own time makes a good one for all: it is fixed, and not 1970. */
const timeOf = (created: unknown): number => {
  const time = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return Number.isFinite(time) && time > 0 ? Math.floor(time / 1000) : 0;
};
