import { compressionOf, headBytes, type Compression } from './compression.ts';
import { digestGzip, digestStream, type Digested } from './digest.ts';
import { readDockerManifest } from './docker-manifest.ts';
import type { ImageConfig, Platform } from './image-config.ts';
import { configOf } from './named-image.ts';
import { readOciLayout } from './oci-layout.ts';
import { surveyTar, type TarPlace, type TarSurvey } from './tar-survey.ts';

/** A layer of the base, every byte of it verified. */
export interface BaseLayer extends Digested {
  readonly mediaType: string;
  stream(): AsyncIterable<Uint8Array>;
}

/** A base image out of an archive. */
export interface BaseImage {
  readonly config: ImageConfig;
  readonly layers: readonly BaseLayer[];
}

/**
 * Opens an image archive, of `docker save` or in OCI layout, and reads it whole: the config must be the one that is named, and each
 * layer must have the digest, the size and the unpacked digest that manifest and config say. Throws BASE_IMAGE_INVALID.
 */
export const openBaseImage = async (
  file: string,
  platform: Platform | undefined,
  signal: AbortSignal,
  onBytes: (count: number) => void = () => undefined,
): Promise<BaseImage> => {
  const tar = await surveyTar(file, signal);
  const named =
    tar.has('index.json') && tar.has('oci-layout')
      ? await readOciLayout(tar, platform)
      : await readDockerManifest(tar, platform);
  const config = await configOf(named, tar);
  const { diffIds } = config;
  if (diffIds.length !== named.layers.length) {
    throw tar.fail(`its config names ${diffIds.length} layers, its manifest ${named.layers.length}`);
  }
  const layers: BaseLayer[] = [];
  for (const [at, { name, digest, size }] of named.layers.entries()) {
    signal.throwIfAborted();
    const place = tar.find(name);
    const { packed, unpacked, isGzip } = await readLayer(tar, place);
    if ((digest !== undefined && digest !== packed.digest) || (size !== undefined && size !== packed.size)) {
      throw tar.fail(`layer ${at + 1} has the digest ${packed.digest}, its manifest says ${digest}`);
    }
    if (unpacked.digest !== diffIds[at]) {
      throw tar.fail(`layer ${at + 1} unpacks to ${unpacked.digest}, its config says ${diffIds[at]}`);
    }
    layers.push({
      ...packed,
      mediaType: `application/vnd.oci.image.layer.v1.tar${isGzip ? '+gzip' : ''}`,
      stream: () => tar.stream(place),
    });
    onBytes(place.size);
  }
  return { config, layers };
};

const readLayer = async (
  tar: TarSurvey,
  place: TarPlace,
): Promise<{ readonly packed: Digested; readonly unpacked: Digested; readonly isGzip: boolean }> => {
  const compression = await layerCompression(tar, place);
  if (compression === 'gzip') {
    return { ...(await digestGzip(tar.stream(place), tar.fail)), isGzip: true };
  }
  if (compression !== undefined) {
    throw tar.fail(
      `a layer is compressed by ${compression}; \`skopeo copy --dest-compress-format gzip oci-archive:IN oci-archive:OUT\` makes it gzip`,
    );
  }
  const plain = await digestStream(tar.stream(place));
  return { packed: plain, unpacked: plain, isGzip: false };
};

const layerCompression = async (
  tar: TarSurvey,
  { offset, size }: TarPlace,
): Promise<Compression | undefined> => {
  for await (const chunk of tar.stream({ offset, size: Math.min(headBytes, size) })) {
    return compressionOf(chunk);
  }
  return undefined;
};
