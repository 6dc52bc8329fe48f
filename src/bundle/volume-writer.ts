import { open } from 'node:fs/promises';
import { writeTar, type TarInput } from '../archive/tar-writer.ts';
import { fileChunks } from '../depot/named-chunks.ts';
import { verifiedChunks } from '../depot/verified-chunks.ts';
import { DepotError } from '../domain/errors.ts';
import { digestOf } from '../files/digest.ts';
import type { BundlePlan } from './bundle-plan.ts';
import type { BundledFile } from './file-set.ts';
import { contentsOf } from './manifest.ts';
import { contentName, formatVolumeHeader, volumeEntries } from './volume.ts';

/** A bundle whose lists are made: what its volumes are written from. */
export interface PlannedBundle extends BundlePlan {
  /** SHA-256 of the manifest. */
  readonly id: string;
  readonly signature?: Buffer;
  /** Files that have the contents. */
  readonly files: readonly BundledFile[];
}

/** The entries of each volume, in their order. `advance` hears of the bytes of contents as they are read. */
export const volumeInputs = (
  { id, manifest, text, page, signature, files }: PlannedBundle,
  advance: (bytes: number) => void,
): readonly (readonly TarInput[])[] => {
  const locations = new Map(files.map((file) => [file.sha256, file]));
  const { volumes: total } = manifest;
  const signatureSha256 = signature === undefined ? {} : { signatureSha256: digestOf(signature) };
  return Array.from({ length: total }, (_, at) => {
    const header = formatVolumeHeader({ bundle: id, number: at + 1, total, ...signatureSha256 });
    return [
      inMemory(volumeEntries.header, Buffer.from(header)),
      inMemory(volumeEntries.manifest, text),
      ...(signature === undefined ? [] : [inMemory(volumeEntries.signature, signature)]),
      inMemory(volumeEntries.page, page),
      ...contentsOf(manifest, at + 1).map(({ sha256 }) => fromFile(locations.get(sha256), sha256, advance)),
    ];
  });
};

const inMemory = (name: string, bytes: Buffer): TarInput => ({
  name,
  size: bytes.length,
  async *open() {
    yield bytes;
  },
});

const fromFile = (
  file: BundledFile | undefined,
  sha256: string,
  advance: (bytes: number) => void,
): TarInput => {
  if (file === undefined) {
    throw new Error(`no file for ${sha256}`);
  }
  const changed = (reason: string): DepotError =>
    new DepotError('BUNDLE_UNFIT', { reason: `${file.location} was changed or is damaged: ${reason}` });
  return {
    name: contentName(sha256),
    size: file.size,
    async *open() {
      for await (const chunk of verifiedChunks(fileChunks(file.location, file.size), file, changed)) {
        advance(chunk.length);
        yield chunk;
      }
    },
  };
};

/** Writes a volume to a new file, synced; returns its bytes. Throws BUNDLE_UNFIT where a content is another, and the file system's error. */
export const writeVolume = async (
  target: string,
  inputs: readonly TarInput[],
  signal: AbortSignal | undefined,
): Promise<number> => {
  const handle = await open(target, 'wx', 0o644);
  let bytes = 0;
  try {
    for await (const chunk of writeTar(inputs) as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      await handle.writeFile(chunk);
      bytes += chunk.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return bytes;
};
