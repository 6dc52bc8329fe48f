import path from 'node:path';
import { packTar, type PackedEntry } from '../archive/tar-writer.ts';
import type { BaseImage } from './base-image.ts';
import { readBaseTree, type BaseTree, type FolderFacts } from './base-tree.ts';
import { envOf, mergeEnv, type ImageConfig } from './image-config.ts';

/** An image that is being made upon a base, for who makes its index. */
export interface BasedImage {
  readonly base: ImageConfig;
  /** Variables of the image, those of the base and those that were added: `KEY=VALUE` each. */
  readonly env: readonly string[];
  /** Where the packages lie on this machine. */
  readonly content: string;
  /** Where they will lie in the image. */
  readonly into: string;
  readonly signal: AbortSignal;
  /** Reads files of the base; `limit` says how many bytes of a file are wanted at most. */
  read(limit: (path: string) => number): Promise<BaseTree>;
}

/** The index that the image's server reads at its start. */
export interface ReadyIndex {
  /** Absolute, in the image. */
  readonly file: string;
  readonly parts: readonly Buffer[];
  /** The folders above the file, outermost first. */
  readonly folders: readonly (FolderFacts & { readonly path: string })[];
  /** Archives that are in it. */
  readonly packages: number;
  /** Archives that are not, so that each start reads them. */
  readonly unknown: number;
}

/** Why there can be no index. */
export interface NoIndex {
  readonly reason: string;
}

/** Makes the index, or says why there can be none. */
export type MakeIndex = (image: BasedImage) => Promise<ReadyIndex | NoIndex>;

/** What is asked of an image that may get an index. */
export interface IndexedImage {
  /** Bytes that no layer of content exceeds. */
  readonly layerBytes: number;
  /** Folder of the image that takes the content, absolute. */
  readonly into: string;
  readonly env: readonly string[];
  readonly signal: AbortSignal;
  /** Makes the index that the image's server reads at its start; absent for an image without. */
  readonly makeIndex?: MakeIndex;
}

/** The index of what an image upon `base` will have, with the content of that folder. Undefined where none is asked for. */
export const indexUpon = async (
  { config, layers }: BaseImage,
  content: string,
  { into, env, layerBytes, makeIndex, signal }: IndexedImage,
): Promise<ReadyIndex | NoIndex | undefined> => {
  const index = await makeIndex?.({
    base: config,
    env: mergeEnv(envOf(config), env),
    content,
    into,
    signal,
    read: (limit) => readBaseTree(layers, limit, signal),
  });
  if (index === undefined || 'reason' in index) {
    return index;
  }
  const bytes = bytesOf(index);
  return bytes > layerBytes
    ? { reason: `with ${bytes} bytes it does not fit into a layer of ${layerBytes}; raise --layer-size` }
    : index;
};

const bytesOf = ({ parts }: ReadyIndex): number => parts.reduce((sum, part) => sum + part.length, 0);

/** As the Dockerfile makes it: the engine may choose any user. */
const forEveryone: FolderFacts = { mode: 0o777, uid: 0, gid: 0 };
const usual: FolderFacts = { mode: 0o755, uid: 0, gid: 0 };

/**
 * A folder of the image and those above it, as the base has them: a layer that names a folder sets its rights, one that
 * doesn't leaves them to the engine's taste. What the base hasn't is made; the folder itself for everyone. Undefined where
 * something on the way is no folder.
 */
export const foldersTo = (tree: BaseTree, folder: string): ReadyIndex['folders'] | undefined => {
  const parts = folder.split('/').slice(1);
  const places = parts.map((_part, at) => `/${parts.slice(0, at + 1).join('/')}`);
  if (places.some((place) => tree.others.has(place) || tree.files.has(place))) {
    return undefined;
  }
  return places.map((place) => ({
    path: place,
    ...(tree.folders.get(place) ?? (place === folder ? forEveryone : usual)),
  }));
};

/** The bytes of the index's layer; `mtime` in seconds since 1970. */
export const indexTar = (index: ReadyIndex, mtime: number): AsyncGenerator<Uint8Array> =>
  packTar(entriesOf(index, mtime));

function* entriesOf(index: ReadyIndex, mtime: number): Generator<PackedEntry> {
  const { file, parts, folders } = index;
  for (const { path: folder, mode, uid, gid } of folders) {
    yield { name: `${folder.slice(1)}/`, type: 'directory', size: 0, mtime, facts: { mode, uid, gid } };
  }
  const size = bytesOf(index);
  yield { name: path.posix.relative('/', file), type: 'file', size, mtime, open: () => piecesOf(parts) };
}

async function* piecesOf(parts: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
