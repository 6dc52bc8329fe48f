import { readTar, type TarEntry } from '../archive/tar-reader.ts';
import { digestOf } from '../files/digest.ts';
import { diskError } from '../depot/disk-error.ts';
import { refuseSpecialFile } from '../files/place.ts';
import { printable } from '../depot/entry-path.ts';
import { namedChunks } from '../depot/named-chunks.ts';
import { checkChunks } from '../depot/verified-chunks.ts';
import { DepotError } from '../domain/errors.ts';
import { contentsOf, type BundleEntry, type BundleManifest } from './manifest.ts';
import {
  contentName,
  formatVolumeHeader,
  parseVolumeHeader,
  volumeEntries,
  volumeLimits,
  type VolumeHeader,
} from './volume.ts';

/** The beginning of a volume: who it is and the list it belongs to. Nothing of it is trusted yet. */
export interface VolumeHead extends VolumeHeader {
  readonly file: string;
  readonly manifest: Buffer;
  readonly signature?: Buffer;
}

/** Gets each content of a volume, in order; `chunks` throw at their end where size or digest are wrong. */
export type ContentSink = (
  entry: BundleEntry,
  chunks: AsyncIterable<Uint8Array>,
  fail: (reason: string) => DepotError,
) => Promise<void>;

/** Reads header, manifest and signature of a volume, no more. Throws BUNDLE_INVALID, FILE_FAILED. */
export const readVolumeHead = async (file: string, signal?: AbortSignal): Promise<VolumeHead> => {
  const fail = failing(file);
  await refuseSpecialFile(file, 'a bundle is read twice, so copy it into a file first');
  const entries = readTar(file, fail, signal);
  try {
    const header = parseVolumeHeader(
      await readSmall(await nextOf(entries, fail), volumeEntries.header, fail),
      file,
    );
    const manifest = await readSmall(await nextOf(entries, fail), volumeEntries.manifest, fail);
    if (digestOf(manifest) !== header.bundle) {
      throw fail('its manifest is not the one that its header names: one of them was changed');
    }
    const third = await nextOf(entries, fail);
    if (header.signatureSha256 === undefined && third.name === volumeEntries.page) {
      return { ...header, file, manifest };
    }
    const signature = await readSmall(third, volumeEntries.signature, fail);
    if (digestOf(signature) !== header.signatureSha256) {
      throw fail('its signature is not the one that its header names: one of them was changed');
    }
    return { ...header, file, manifest, signature };
  } catch (error) {
    throw diskError(file, error);
  } finally {
    await entries.return(undefined);
  }
};

/**
 * Reads a whole volume against the manifest: exactly the entries that belong there, in their order, and no byte beside them.
 * The first wrong thing ends it. Throws BUNDLE_INVALID, FILE_FAILED, and what the sink throws.
 */
export const readVolume = async (
  head: VolumeHead,
  manifest: BundleManifest,
  sink: ContentSink,
  signal?: AbortSignal,
): Promise<void> => {
  const { file } = head;
  const fail = failing(file);
  const contents = contentsOf(manifest, head.number);
  const again: readonly (readonly [string, Buffer])[] = [
    [volumeEntries.header, Buffer.from(formatVolumeHeader(head))],
    [volumeEntries.manifest, head.manifest],
    ...(head.signature === undefined ? [] : [[volumeEntries.signature, head.signature] as const]),
  ];
  const expected = [
    ...again.map(([name]) => name),
    volumeEntries.page,
    ...contents.map((one) => contentName(one.sha256)),
  ];
  let at = 0;
  try {
    for await (const entry of readTar(file, fail, signal)) {
      const name = expected[at];
      if (entry.name !== name) {
        throw fail(misplaced(entry.name, expected, at));
      }
      const content = contents[at - (expected.length - contents.length)];
      const known = again[at];
      if (content !== undefined) {
        refuseSize(entry, content.size, fail);
        await sink(content, namedChunks(file, entry.chunks), (reason) =>
          fail(`${content.path} (${name}): ${reason}`),
        );
      } else if (known !== undefined) {
        if (!(await readSmall(entry, name, fail)).equals(known[1])) {
          throw fail('it changed while it was read');
        }
      } else {
        refuseSize(entry, manifest.page.size, fail);
        await checkChunks(entry.chunks, manifest.page, (reason) => fail(`${name}: ${reason}`));
      }
      at += 1;
    }
  } catch (error) {
    throw diskError(file, error);
  }
  if (at < expected.length) {
    throw fail(`the entry ${expected[at]} is missing`);
  }
};

/** A sink that only checks. */
export const checkingSink: ContentSink = (entry, chunks, fail) => checkChunks(chunks, entry, fail);

const failing =
  (file: string) =>
  (reason: string): DepotError =>
    new DepotError('BUNDLE_INVALID', { file, reason });

const nextOf = async (
  entries: AsyncGenerator<TarEntry>,
  fail: (reason: string) => DepotError,
): Promise<TarEntry> => {
  const next = await entries.next();
  if (next.done === true) {
    throw fail('it is cut off: it has no contents');
  }
  return next.value;
};

const readSmall = async (
  entry: TarEntry,
  name: string,
  fail: (reason: string) => DepotError,
): Promise<Buffer> => {
  if (entry.name !== name) {
    throw fail(`it is no bundle, or was changed: "${printable(entry.name)}" is where ${name} should be`);
  }
  const limit = limits.get(name) ?? 0;
  if (entry.size > limit) {
    throw fail(`${name} claims ${entry.size} bytes, at most ${limit} are read`);
  }
  const parts: Uint8Array[] = [];
  for await (const chunk of entry.chunks) {
    parts.push(chunk);
  }
  return Buffer.concat(parts);
};

const limits = new Map<string, number>([
  [volumeEntries.header, volumeLimits.header],
  [volumeEntries.manifest, volumeLimits.manifest],
  [volumeEntries.signature, volumeLimits.signature],
]);

const refuseSize = (entry: TarEntry, size: number, fail: (reason: string) => DepotError): void => {
  if (entry.size !== size) {
    throw fail(`${entry.name} claims ${entry.size} bytes, the manifest says ${size}`);
  }
};

const misplaced = (name: string, expected: readonly string[], at: number): string => {
  const shown = `the entry "${printable(name)}"`;
  if (name.startsWith('/')) {
    return `${shown} has an absolute name`;
  }
  if (name.split('/').includes('..')) {
    return `${shown} leads out of the folder`;
  }
  const place = expected.indexOf(name);
  if (place >= 0 && place < at) {
    return `${shown} is there twice`;
  }
  if (place < 0) {
    return `${shown} is not in the manifest of this volume`;
  }
  return `${shown} comes where ${expected[at] ?? 'the end'} should be`;
};
