import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { tarBytes, writeTar, type TarInput } from '../archive/tar-writer.ts';
import { digestOf } from '../files/digest.ts';
import { diskError, onDisk } from '../depot/disk-error.ts';
import { syncFolder } from '../files/folder.ts';
import { hasName, refuseSpecialFile } from '../files/place.ts';
import { discard } from '../files/temporary.ts';
import { bytesOf } from '../depot/file-list.ts';
import { discardLeftIn, temporaryBeside } from '../files/temporary.ts';
import { fileChunks } from '../depot/named-chunks.ts';
import { verifiedChunks } from '../depot/verified-chunks.ts';
import { DepotError } from '../domain/errors.ts';
import type { Signer } from '../signing/signature.ts';
import { contentsPage } from './contents-page.ts';
import type { BundledFile, FileSet } from './file-set.ts';
import { kibanaConditions } from './kibana-condition.ts';
import { contentsOf, formatManifest, type BundleManifest } from './manifest.ts';
import { mediumError, refuseSmallMedium } from './medium.ts';
import { receiptHas, type Receipt } from './receipt.ts';
import { contentName, divideIntoVolumes, formatVolumeHeader, volumeEntries, volumeLimits } from './volume.ts';

export interface BundleRequest {
  readonly files: FileSet;
  /** Contents that the receiver has are left out. */
  readonly since?: Receipt;
  /** Each volume stays below this; without it there is one file. */
  readonly volumeBytes?: number;
  /** Without it the bundle is unsigned. */
  readonly signer?: Signer;
  /** The time that the signature says; by default the key's own, so that the same set makes the same bytes at any time. */
  readonly made?: Date;
  /** Path of the one file, or of the volumes without their `.001`. */
  readonly output: string;
  /** Replace what is there under this name, all its volumes included. */
  readonly replace?: boolean;
  readonly progress?: (bytes: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What was made. */
export interface CreatedBundle {
  /** SHA-256 of the manifest. */
  readonly id: string;
  readonly volumes: readonly { readonly path: string; readonly bytes: number }[];
  /** The complete set. */
  readonly files: number;
  readonly bytes: number;
  /** What the volumes hold. */
  readonly heldFiles: number;
  readonly heldBytes: number;
}

/**
 * Writes a bundle. Its bytes depend on the files, the receipt, the key and the time that the signature says alone. Every content is checked against its
 * digest while it is written; the volumes get their names only when all are whole and synced.
 * Throws BUNDLE_UNFIT, also where the medium is too small, and FILE_FAILED.
 */
export const createBundle = async (request: BundleRequest): Promise<CreatedBundle> => {
  const { files, since, signer, output, signal } = request;
  const conditions = await kibanaConditions(files.files, signal);
  const plan = planBundle(files, conditions, since, request.volumeBytes);
  const manifest = Buffer.from(formatManifest(plan.manifest));
  if (manifest.length > volumeLimits.manifest) {
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `${files.files.length} files are more than one bundle's list can have (${volumeLimits.manifest} bytes); make one of a part of them`,
    });
  }
  const id = digestOf(manifest);
  const signature =
    signer === undefined ? undefined : Buffer.from(await signer.sign(manifest, request.made ?? new Date(0)));
  const { volumes: total } = plan.manifest;
  const names = Array.from({ length: total }, (_, at) =>
    request.volumeBytes === undefined ? output : `${output}.${String(at + 1).padStart(3, '0')}`,
  );
  for (const name of names) {
    await refuseSpecialFile(
      name,
      'a bundle is written to a plain file, which is whole before it gets its name',
    );
  }
  const earlier = await earlierFiles(output, names);
  await Promise.all(earlier.map(refuseFolder));
  if (request.replace !== true) {
    refuseExisting(earlier, names);
  }

  const held = contentsOf(plan.manifest);
  const heldBytes = bytesOf(held);
  const locations = new Map(files.files.map((file) => [file.sha256, file]));
  let written = 0;
  const advance = (bytes: number): void => request.progress?.((written += bytes), heldBytes);
  const signatureSha256 = signature === undefined ? {} : { signatureSha256: digestOf(signature) };
  const volumeInputs = names.map((_, at) => {
    const header = formatVolumeHeader({ bundle: id, number: at + 1, total, ...signatureSha256 });
    return [
      inMemory(volumeEntries.header, Buffer.from(header)),
      inMemory(volumeEntries.manifest, manifest),
      ...(signature === undefined ? [] : [inMemory(volumeEntries.signature, signature)]),
      inMemory(volumeEntries.page, plan.page),
      ...contentsOf(plan.manifest, at + 1).map((entry) =>
        fromFile(locations.get(entry.sha256), entry.sha256, advance),
      ),
    ];
  });
  await discardLeftIn(path.dirname(output));
  await refuseSmallMedium(output, volumeInputs.map(tarBytes));
  const volumes: { path: string; bytes: number }[] = [];
  const temporaries: string[] = [];
  try {
    for (const [at, name] of names.entries()) {
      const temporary = await temporaryBeside(name);
      temporaries.push(temporary);
      volumes.push({ path: name, bytes: await writeVolume(temporary, volumeInputs[at] ?? [], signal) });
    }
    for (const [at, name] of names.entries()) {
      await rename(temporaries[at] ?? '', name);
    }
    const made = new Set(names.map((name) => path.resolve(name)));
    for (const old of earlier.filter((one) => !made.has(path.resolve(one)))) {
      await rm(old, { force: true });
    }
    await syncFolder(path.dirname(path.resolve(output)));
  } catch (error) {
    for (const temporary of temporaries) {
      await discard(temporary);
    }
    throw diskError(output, mediumError(output, error));
  }
  return {
    id,
    volumes,
    files: plan.manifest.entries.length,
    bytes: bytesOf(plan.manifest.entries),
    heldFiles: held.length,
    heldBytes,
  };
};

/** Decides what goes in and into which volume. */
const planBundle = (
  { source, files }: FileSet,
  conditions: ReadonlyMap<string, string>,
  since: Receipt | undefined,
  volumeBytes: number | undefined,
): { readonly manifest: BundleManifest; readonly page: Buffer } => {
  const assemble = (
    volumes: number,
    volumeOf: (sha256: string) => number,
  ): { manifest: BundleManifest; page: Buffer } => {
    const parts = {
      ...(source ? { source } : {}),
      ...(since ? { base: { depot: since.depot, snapshot: since.snapshot } } : {}),
      volumes,
      entries: files.map(({ path: name, sha256, size }) => {
        const kibana = conditions.get(name);
        return {
          path: name,
          sha256,
          size,
          volume: volumeOf(sha256),
          ...(kibana === undefined ? {} : { kibana }),
        };
      }),
    };
    const page = Buffer.from(contentsPage(parts));
    return { manifest: { ...parts, page: { sha256: digestOf(page), size: page.length } }, page };
  };
  const known = (sha256: string): boolean => since !== undefined && receiptHas(since, sha256);
  // The lists name the volumes and the volumes carry the lists: measured with the longest number, they never grow.
  const longest = assemble(9999, (sha256) => (known(sha256) ? 0 : 9999));
  const head = { manifest: Buffer.byteLength(formatManifest(longest.manifest)), page: longest.page.length };
  const { volumes, numberOf } = divideIntoVolumes(contentsOf(longest.manifest), volumeBytes, head);
  if (volumes > 9999) {
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `the bundle would need ${volumes} volumes; take a larger --volume-size`,
    });
  }
  return assemble(volumes, (sha256) => numberOf.get(sha256) ?? 0);
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

const writeVolume = async (
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

/** What lies under the output's name: bundles or volumes. On a file system that ignores case it may be written otherwise. */
const earlierFiles = async (output: string, names: readonly string[]): Promise<string[]> => {
  const [folder, name] = [path.dirname(output), path.basename(output)];
  const found = await onDisk(folder, readdir(folder));
  const isVolume = (one: string): boolean =>
    one.startsWith(`${name}.`) && /^\d{3,4}$/.test(one.slice(name.length + 1));
  const listed = found.filter((one) => one === name || isVolume(one)).map((one) => path.join(folder, one));
  const there = await Promise.all(names.map(hasName));
  return [...new Set([...listed, ...names.filter((_, at) => there[at]).map((one) => path.join(one))])];
};

const refuseFolder = async (file: string): Promise<void> => {
  if ((await stat(file).catch(() => undefined))?.isDirectory() === true) {
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `${file} is a folder; name a file in it, or another name`,
    });
  }
};

const refuseExisting = (existing: readonly string[], names: readonly string[]): void => {
  const [first] = existing;
  if (first !== undefined) {
    const reason = names.some((name) => path.resolve(name) === path.resolve(first))
      ? `${first} exists already`
      : `${first} of an earlier bundle would lie beside this one`;
    throw new DepotError('BUNDLE_UNFIT', { reason: `${reason}; name another file or say --replace` });
  }
};
