import type { DepotError } from '../domain/errors.ts';
import { isDigest } from './digest.ts';
import { asList, asObject, asTexts, parseJson, type JsonObject } from '../domain/json-tree.ts';

/** What kind of machine an image runs on. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** An image's config as far as it matters here; `tree` keeps the rest. */
export interface ImageConfig {
  readonly tree: JsonObject;
  readonly platform: Platform;
  /** Digests of the unpacked layers, lowest first. */
  readonly diffIds: readonly string[];
}

/** What is added to an image. */
export interface Extension {
  readonly layers: readonly { readonly diffId: string; readonly createdBy: string }[];
  /** ISO time, for the image and its new layers. */
  readonly created: string;
  /** `KEY=VALUE` each. */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** `linux/arm64/v8` as a platform; undefined where the text has another form. */
export const parsePlatform = (text: string): Platform | undefined => {
  const parts = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9]+))?$/.exec(text);
  const [, os, architecture, variant] = parts ?? [];
  return os === undefined || architecture === undefined
    ? undefined
    : { os, architecture, ...(variant === undefined ? {} : { variant }) };
};

/** `linux/amd64`. */
export const showPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');

/** Whether an image for `have` is one for `wanted`; a wanted variant must agree, an unsaid one is any. */
export const isPlatform = (have: Platform, wanted: Platform): boolean =>
  have.os === wanted.os &&
  have.architecture === wanted.architecture &&
  (wanted.variant === undefined || have.variant === wanted.variant);

/** The config of an image without anything. */
export const emptyConfig = (platform: Platform): ImageConfig => ({
  tree: { ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [] }, history: [] },
  platform,
  diffIds: [],
});

/** Reads a config as the OCI image specification and Docker write it. */
export const readConfig = (text: string, fail: (reason: string) => DepotError): ImageConfig => {
  const tree = asObject(parseJson(text));
  const rootfs = asObject(tree?.['rootfs']);
  const diffIds = asTexts(rootfs?.['diff_ids']);
  const { os, architecture, variant } = tree ?? {};
  if (tree === undefined || typeof os !== 'string' || typeof architecture !== 'string') {
    throw fail('its config names no operating system and architecture');
  }
  if (rootfs?.['type'] !== 'layers' || diffIds?.every(isDigest) !== true) {
    throw fail('its config has no good list of layers (rootfs.diff_ids)');
  }
  if (tree['config'] !== undefined && tree['config'] !== null && asObject(tree['config']) === undefined) {
    throw fail('its config has a `config` that is no object');
  }
  const platform = { os, architecture, ...(typeof variant === 'string' ? { variant } : {}) };
  return { tree, platform, diffIds };
};

/** The variables of an image, `KEY=VALUE` each. */
export const envOf = ({ tree }: ImageConfig): readonly string[] =>
  asTexts(asObject(tree['config'])?.['Env']) ?? [];

/** The config with layers, variables, labels and their history added; everything else stays as it was. */
export const extendConfig = (base: ImageConfig, extension: Extension): string => {
  const { tree, diffIds } = base;
  const settings = asObject(tree['config']) ?? {};
  const labels = { ...asObject(settings['Labels']), ...extension.labels };
  return JSON.stringify({
    ...tree,
    created: extension.created,
    config: {
      ...settings,
      Env: mergeEnv(envOf(base), extension.env),
      ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
    },
    rootfs: { type: 'layers', diff_ids: [...diffIds, ...extension.layers.map(({ diffId }) => diffId)] },
    history: [
      ...historyOf(base, extension.created),
      ...extension.layers.map(({ createdBy }) => ({ created: extension.created, created_by: createdBy })),
    ],
  });
};

/** Variables of a base with those that are added; the added ones replace. `KEY=VALUE` each. */
export const mergeEnv = (base: readonly string[], added: readonly string[]): readonly string[] => {
  const nameOf = (line: string): string => line.slice(0, line.indexOf('='));
  const replaced = new Set(added.map(nameOf));
  return [...base.filter((line) => !replaced.has(nameOf(line))), ...added];
};

/** Readers count the history's layers against the real ones: a history that disagrees with them is made anew. */
const historyOf = ({ tree, diffIds }: ImageConfig, created: string): readonly unknown[] => {
  const history = asList(tree['history']) ?? [];
  const layers = history.filter((entry) => asObject(entry)?.['empty_layer'] !== true).length;
  return layers === diffIds.length ? history : diffIds.map(() => ({ created, created_by: 'base image' }));
};
