import { readTar, type TarEntry } from '../archive/tar-reader.ts';
import { diskError } from '../depot/disk-error.ts';
import { printable } from '../depot/entry-path.ts';
import { DepotError } from '../domain/errors.ts';
import { digestOf } from '../files/digest.ts';
import { refuseSpecialFile } from '../files/place.ts';
import { parseVolumeHeader, volumeEntries, volumeLimits, type VolumeHeader } from './volume.ts';

/** The beginning of a volume: who it is and the list it belongs to. Nothing of it is trusted yet. */
export interface VolumeHead extends VolumeHeader {
  readonly file: string;
  readonly manifest: Buffer;
  readonly signature?: Buffer;
}

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

/** Makes the error for what is wrong with a volume. */
export type Fail = (reason: string) => DepotError;

/** BUNDLE_INVALID for a file. */
export const failing =
  (file: string): Fail =>
  (reason) =>
    new DepotError('BUNDLE_INVALID', { file, reason });

const nextOf = async (entries: AsyncGenerator<TarEntry>, fail: Fail): Promise<TarEntry> => {
  const next = await entries.next();
  if (next.done === true) {
    throw fail('it is cut off: it has no contents');
  }
  return next.value;
};

/** The bytes of an entry that is kept in memory: it has to be the named one. */
export const readSmall = async (entry: TarEntry, name: string, fail: Fail): Promise<Buffer> => {
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
