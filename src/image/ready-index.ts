import path from 'node:path';
import { packTar, type PackedEntry } from '../archive/tar-writer.ts';
import type { BaseTree, FolderFacts } from './base-tree.ts';
import type { ImageConfig } from './image-config.ts';

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

/** Makes the index, or says why there can be none. */
export type MakeIndex = (image: BasedImage) => Promise<ReadyIndex | { readonly reason: string }>;

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

function* entriesOf({ file, parts, folders }: ReadyIndex, mtime: number): Generator<PackedEntry> {
  for (const { path: folder, mode, uid, gid } of folders) {
    yield { name: `${folder.slice(1)}/`, type: 'directory', size: 0, mtime, facts: { mode, uid, gid } };
  }
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  yield { name: path.posix.relative('/', file), type: 'file', size, mtime, open: () => piecesOf(parts) };
}

async function* piecesOf(parts: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
