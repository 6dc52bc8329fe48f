import { stat } from 'node:fs/promises';
import { openBaseImage } from './base-image.ts';
import { contentRoot, listContent } from './content.ts';
import { checkPlace, writeArchive } from './image-archive.ts';
import { emptyConfig, extendConfig, type Platform } from './image-config.ts';
import type { ImageName } from './image-name.ts';
import { planLayers } from './layer-plan.ts';
import { baseBlob, contentLayer, indexLayer, newBlob, type NewLayer } from './new-layer.ts';
import { indexUpon, type IndexedImage, type NoIndex, type ReadyIndex } from './ready-index.ts';
import { recordedSnapshot, type RecordedContent } from './recorded-content.ts';

/** What is to be made. */
export interface ImageRequest extends IndexedImage {
  /** Folder of packages, or a depot. */
  readonly content: string;
  /** Image archive to build upon; without it the image has the content alone and runs nothing. */
  readonly base?: string;
  readonly output: string;
  readonly name: ImageName;
  /** Which image of the base; without a base what the image is for. */
  readonly platform?: Platform;
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970 for files and image; the base's own time where absent. */
  readonly time?: number;
  readonly replace: boolean;
  /** What is known of the files of a folder, links followed; by default what a depot recorded of a snapshot. */
  readonly recorded?: (root: string) => Promise<RecordedContent | undefined>;
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
  | NoIndex;

/**
 * Makes an image archive without a container engine, byte for byte the same for the same input. Content is read twice, once
 * for the digests that have to come first in the file, once to be written, so that memory and temporary space stay small. What
 * comes from a depot must be what the depot recorded.
 * Throws BASE_IMAGE_INVALID, IMAGE_CONTENT_INVALID, IMAGE_WRITE_FAILED; the output appears whole or not at all.
 */
export const makeImage = async (request: ImageRequest): Promise<ImageResult> => {
  const { signal, into, output, replace, name } = request;
  await checkPlace(output, replace);
  const content = await contentRoot(request.content);
  const files = await listContent(content);
  const recorded = await (request.recorded ?? recordedSnapshot)(content);
  const plan = planLayers(files, request.layerBytes);
  // Base and content are each read twice.
  const total = 2 * (files.reduce((sum, { size }) => sum + size, 0) + (await bytesOf(request.base)));
  const step = counting(request, total);

  const base =
    request.base === undefined
      ? undefined
      : await openBaseImage(request.base, request.platform, signal, step);
  const config = base?.config ?? emptyConfig(request.platform ?? { os: 'linux', architecture: 'amd64' });
  const time = request.time ?? timeOf(config.tree['created']);
  const created = new Date(time * 1000).toISOString();

  const place = { into, mtime: time };
  const layers: NewLayer[] = [];
  for (const part of plan) {
    layers.push(await contentLayer(part, place, recorded, step));
  }
  const index = base && (await indexUpon(base, content, request));
  if (index && 'parts' in index) {
    layers.push(await indexLayer(index, time));
  }
  const written = await writeArchive(
    {
      config: extendConfig(config, {
        layers: layers.map(({ digest, createdBy }) => ({ diffId: digest, createdBy })),
        created,
        env: request.env,
        labels: request.labels,
      }),
      layers: [
        ...(base?.layers ?? []).map((layer) => baseBlob(layer, request.base ?? '')),
        ...layers.map((layer) => newBlob(layer, request.content)),
      ],
      name,
      created,
      platform: config.platform,
    },
    { output, replace, signal, onBytes: step },
  );
  return {
    ...written,
    output,
    name: name.text,
    files: files.length,
    baseLayers: base?.layers.length ?? 0,
    layers: layers.map(({ digest, size, files: count }) => ({ digest, size, files: count })),
    ...(index === undefined ? {} : { index: resultOf(index) }),
  };
};

/** Counts bytes for the progress; throws where the run is to end. */
const counting = (request: ImageRequest, total: number): ((bytes: number) => void) => {
  let done = 0;
  return (bytes) => {
    request.signal.throwIfAborted();
    done += bytes;
    // The bytes of the index are not known beforehand, and few.
    request.onProgress(Math.min(done, total), total);
  };
};

const resultOf = (index: ReadyIndex | NoIndex): IndexResult =>
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

/** The base's own time makes a good one for all: it is fixed, and not 1970. */
const timeOf = (created: unknown): number => {
  const time = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return Number.isFinite(time) && time > 0 ? Math.floor(time / 1000) : 0;
};
