import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { BaseLayer } from './base-image.ts';

/** Who owns a folder of an image, and who may do what there. */
export interface FolderFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a base image has in its file system, all its layers taken together. Paths are absolute. */
export interface BaseTree {
  readonly folders: ReadonlyMap<string, FolderFacts>;
  /** Content of the files that were wanted. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Everything else that is neither a folder nor a wanted file: links, devices, other files. */
  readonly others: ReadonlySet<string>;
}

interface Layer {
  readonly folders: Map<string, FolderFacts>;
  readonly files: Map<string, Buffer>;
  readonly others: Set<string>;
  /** Paths that are taken out of the layers below. */
  readonly removed: Set<string>;
  /** Folders that hide all that the layers below have in them. */
  readonly opaque: Set<string>;
}

const removal = '.wh.';
const hidesAll = '.wh..wh..opq';

/**
 * Reads files out of the layers of a base, by the rules of the OCI image specification (layer.md: an entry replaces what is
 * below it, `.wh.` names remove). `limit` says how many bytes of a file are wanted at most; a larger one is taken for not
 * wanted. Throws what the layers' streams throw.
 */
export const readBaseTree = async (
  layers: readonly BaseLayer[],
  limit: (path: string) => number,
  signal: AbortSignal,
): Promise<BaseTree> => {
  const tree = emptyLayer();
  for (const layer of layers) {
    signal.throwIfAborted();
    putOnTop(tree, await readLayer(layer, limit, signal));
  }
  return tree;
};

const emptyLayer = (): Layer => ({
  folders: new Map(),
  files: new Map(),
  others: new Set(),
  removed: new Set(),
  opaque: new Set(),
});

const readLayer = async (
  layer: BaseLayer,
  limit: (path: string) => number,
  signal: AbortSignal,
): Promise<Layer> => {
  const found = emptyLayer();
  const parsed = extract();
  const packed = Readable.from(layer.stream(), { objectMode: false });
  const sink = parsed as unknown as NodeJS.WritableStream;
  const feeding = layer.mediaType.endsWith('+gzip')
    ? pipeline(packed, createGunzip({ chunkSize: 1 << 18 }), sink, { signal })
    : pipeline(packed, sink, { signal });
  feeding.catch(() => undefined);
  for await (const entry of parsed) {
    const place = path.posix.resolve('/', entry.header.name);
    const name = path.posix.basename(place);
    const isWanted = entry.header.type === 'file' && (entry.header.size ?? 0) <= limit(place);
    if (name === hidesAll) {
      found.opaque.add(path.posix.dirname(place));
    } else if (name.startsWith(removal)) {
      found.removed.add(path.posix.join(path.posix.dirname(place), name.slice(removal.length)));
    } else if (isWanted) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) {
        chunks.push(chunk as Buffer);
      }
      found.files.set(place, Buffer.concat(chunks));
      continue;
    } else {
      note(found, place, entry.header);
    }
    entry.resume();
  }
  await feeding;
  return found;
};

const note = ({ folders, others }: Layer, place: string, { type, mode, uid, gid }: Header): void => {
  if (type === 'directory') {
    folders.set(place, { mode: (mode ?? 0o755) & 0o7777, uid: uid ?? 0, gid: gid ?? 0 });
  } else {
    others.add(place);
  }
};

const putOnTop = (tree: Layer, layer: Layer): void => {
  const parts = [tree.folders, tree.files, tree.others] as const;
  const dropBelow = (folder: string): void => {
    const prefix = folder === '/' ? folder : `${folder}/`;
    for (const part of parts) {
      for (const one of part.keys()) {
        if (one.startsWith(prefix)) {
          part.delete(one);
        }
      }
    }
  };
  const drop = (one: string): boolean => {
    const wasFolder = tree.folders.has(one);
    for (const part of parts) {
      part.delete(one);
    }
    return wasFolder;
  };
  layer.opaque.forEach(dropBelow);
  for (const one of layer.removed) {
    if (drop(one)) {
      dropBelow(one);
    }
  }
  // What was a folder and is something else now has nothing in it any more.
  for (const one of [...layer.files.keys(), ...layer.others]) {
    if (drop(one)) {
      dropBelow(one);
    }
  }
  for (const [one, facts] of layer.folders) {
    drop(one);
    tree.folders.set(one, facts);
  }
  layer.files.forEach((content, one) => tree.files.set(one, content));
  layer.others.forEach((one) => tree.others.add(one));
};
