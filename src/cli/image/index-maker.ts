import path from 'node:path';
import { judgeRules } from '../../app/judge-rules.ts';
import type { Config } from '../../config/settings.ts';
import type { BaseTree } from '../../image/base-tree.ts';
import { foldersTo, type BasedImage, type MakeIndex, type ReadyIndex } from '../../image/ready-index.ts';
import { createIndexCache } from '../../index/index-cache.ts';
import type { IndexOrigin } from '../../index/index-file.ts';
import { decodeIndex } from '../../index/index-file.ts';
import { describeOrigin } from '../../index/index-origin.ts';
import type { KnownPackages } from '../../index/known-package.ts';
import { buildPortableIndex } from '../../index/portable-index.ts';
import { createJudgePool } from '../../judge/pool.ts';
import { createZipFolderSource } from '../../source/zip-folder.ts';
import { silentLog } from '../../telemetry/silent-log.ts';
import type { Log } from '../../telemetry/log.ts';
import { version } from '../../version.ts';
import { describeBase, findProgram, settingsOf, wantedOf, type BaseProgram } from './base-program.ts';

const maxIndexBytes = 1024 ** 3;
const indexName = /\/index-[0-9a-f]{16}-[0-9a-f]{16}\.fleet$/;

/**
 * Makes the index for the server of an image without running it: by the settings of the image, for the program that it has,
 * of the packages as they will lie in it. `log` is told of packages that won't be served.
 */
export const createIndexMaker =
  (log: Log): MakeIndex =>
  async (image) => {
    const program = findProgram(image.base, image.env);
    if (!program) {
      return { reason: 'the base does not start `fleet-depot serve`' };
    }
    const tree = await image.read((file) => (indexName.test(file) ? maxIndexBytes : wantedOf(program, file)));
    const config = settingsOf(program, tree);
    if ('reason' in config) {
      return config;
    }
    const place = placeOf(program, config, image, tree);
    return 'reason' in place ? place : make({ ...place, program, config, image, tree, log });
  };

interface Place {
  /** Of the index, in the image. */
  readonly folder: string;
  readonly folders: ReadyIndex['folders'];
  /** As the server names them. */
  readonly packagePaths: readonly string[];
}

/** Where the server would look for its index and for packages, or why that is of no use. */
const placeOf = (
  program: BaseProgram,
  config: Config,
  { into }: BasedImage,
  tree: BaseTree,
): Place | { readonly reason: string } => {
  const inImage = (one: string): string => path.posix.resolve(program.folder, one);
  const packagePaths = config.packagePaths.map(inImage);
  if (!packagePaths.some((one) => into === one || into.startsWith(one === '/' ? one : `${one}/`))) {
    return {
      reason: `${into} (--into) is in no package path of the base's settings (${packagePaths.join(', ')})`,
    };
  }
  if (config.cacheDir === undefined) {
    return { reason: 'the base names no folder for the index (EPR_CACHE_DIR)' };
  }
  const folder = inImage(config.cacheDir);
  const folders = foldersTo(tree, folder);
  return folders
    ? { folder, folders, packagePaths }
    : { reason: `something on the way to ${folder} (EPR_CACHE_DIR) is no folder in the base` };
};

interface Making extends Place {
  readonly program: BaseProgram;
  readonly config: Config;
  readonly image: BasedImage;
  readonly tree: BaseTree;
  readonly log: Log;
}

const make = async (making: Making): Promise<ReadyIndex | { readonly reason: string }> => {
  const { program, config, image, tree, folder, folders, packagePaths, log } = making;
  if (config.signaturePolicy === 'verified') {
    return { reason: 'its signature policy is `verified`, and the keyring comes with the container' };
  }
  const rules = await judgeRules(config);
  const origin = await describeOrigin(version, packagePaths, rules);
  if (describeBase(program, tree) !== origin.program) {
    return { reason: `the base has another build of the program than this one, ${version}` };
  }
  const { file } = createIndexCache(folder, origin, silentLog);
  const { content, into, signal } = image;
  const { refs } = await createZipFolderSource(content, rules.limits, silentLog).list();
  const { parts, served, unknown } = await buildPortableIndex({
    refs,
    place: (one) => path.posix.join(into, path.relative(content, one).replaceAll('\\', '/')),
    pool: createJudgePool({ readers: 0 }),
    rules,
    origin,
    known: knownOf(tree.files.get(file), origin),
    log,
    signal,
  });
  return { file, parts, folders, packages: served, unknown };
};

/** What a base with packages knows of those; whatever is wrong with it, it is made anew. */
const knownOf = (bytes: Buffer | undefined, origin: IndexOrigin): KnownPackages => {
  try {
    return bytes ? decodeIndex(bytes, origin) : new Map();
  } catch {
    return new Map();
  }
};
