import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, type Header } from 'tar-stream';

/** One entry of a tar that was read. */
export interface ReadEntry {
  readonly header: Header;
  readonly content: Buffer;
}

/** All entries of a tar in their order. */
export const readTarBytes = async (bytes: Uint8Array): Promise<readonly ReadEntry[]> => {
  const parsed = extract();
  Readable.from([bytes], { objectMode: false }).pipe(parsed);
  const entries: ReadEntry[] = [];
  for await (const entry of parsed) {
    entries.push({ header: entry.header, content: await buffer(entry) });
  }
  return entries;
};

type Tree = Readonly<Record<string, never>>;

/** An image archive, read by the letter of both forms it claims to have. */
export interface MadeImage {
  readonly names: readonly string[];
  readonly index: { readonly manifests: readonly Tree[] };
  readonly docker: readonly {
    readonly Config: string;
    readonly RepoTags: string[];
    readonly Layers: string[];
  }[];
  readonly config: {
    readonly created: string;
    readonly config: {
      readonly Env: string[];
      readonly Labels?: Record<string, string>;
      readonly User?: string;
    };
    readonly rootfs: { readonly diff_ids: string[] };
    readonly history: readonly { readonly created_by: string; readonly empty_layer?: boolean }[];
    readonly os: string;
    readonly architecture: string;
  };
  /** The stored bytes of each layer. */
  readonly layers: readonly Buffer[];
}

/** Reads an image that `makeImage` wrote. */
export const readMadeImage = async (file: string): Promise<MadeImage> => {
  const entries = await readTarBytes(await readFile(file));
  const content = new Map(entries.map((entry) => [entry.header.name, entry.content]));
  const json = (name: string): unknown => JSON.parse(content.get(name)?.toString() ?? 'null');
  const docker = json('manifest.json') as MadeImage['docker'];
  return {
    names: entries.map(({ header }) => header.name),
    index: json('index.json') as MadeImage['index'],
    docker,
    config: json(docker[0]?.Config ?? '') as MadeImage['config'],
    layers: (docker[0]?.Layers ?? []).map((name) => content.get(name) ?? Buffer.alloc(0)),
  };
};
