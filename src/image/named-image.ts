import { digestText, isDigest } from './digest.ts';
import { isPlatform, readConfig, showPlatform, type ImageConfig, type Platform } from './image-config.ts';
import type { TarSurvey } from './tar-survey.ts';

/** What an archive's own description says of its one image: names in the tar, and digests where the form has them. */
export interface NamedImage {
  readonly config: string;
  readonly layers: readonly { readonly name: string; readonly digest?: string; readonly size?: number }[];
}

/** A digest out of a description; anything else is refused, as it becomes a name. */
export const checkedDigest = (value: unknown, tar: TarSurvey): string => {
  if (!isDigest(value)) {
    throw tar.fail(`${JSON.stringify(value)?.slice(0, 120)} is no sha256 digest`);
  }
  return value;
};

/** How writers of archives name a config: `blobs/sha256/X`, `X.json`, `sha256:X`, where X is its digest. */
const namedByDigest = /(?:^|\/|sha256:)(?<hex>[0-9a-f]{64})(?:\.json)?$/;

/** The config of an image. Throws BASE_IMAGE_INVALID where it isn't the one that its name says, or has another form. */
export const configOf = async ({ config }: NamedImage, tar: TarSurvey): Promise<ImageConfig> => {
  const text = await tar.text(config);
  const hex = namedByDigest.exec(config)?.groups?.['hex'];
  if (hex !== undefined && digestText(text).digest !== `sha256:${hex}`) {
    throw tar.fail(`its config ${config} has another content than its name says`);
  }
  return readConfig(text, tar.fail);
};

/** The one image that is wanted. Throws BASE_IMAGE_INVALID with what there is where there is none or more than one. */
export const onlyOne = async (
  images: Iterable<NamedImage>,
  platform: Platform | undefined,
  tar: TarSurvey,
): Promise<NamedImage> => {
  const fitting: NamedImage[] = [];
  const seen: string[] = [];
  for (const image of images) {
    const { platform: has } = await configOf(image, tar);
    seen.push(showPlatform(has));
    if (platform === undefined || isPlatform(has, platform)) {
      fitting.push(image);
    }
  }
  const [only, ...more] = fitting;
  if (only !== undefined && more.length === 0) {
    return only;
  }
  const has = seen.length === 0 ? 'no image' : `images for ${seen.join(', ')}`;
  throw tar.fail(
    only === undefined
      ? `it has ${has}${platform === undefined ? '' : `, none for ${showPlatform(platform)}`}`
      : `it has ${has}; choose by --platform, or save just one`,
  );
};
