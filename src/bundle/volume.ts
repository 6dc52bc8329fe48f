import { tarEndBytes, tarEntryBytes } from '../archive/tar-writer.ts';
import type { SnapshotFile } from '../depot/file-list.ts';
import { DepotError } from '../domain/errors.ts';
import { membersOf } from '../domain/json-tree.ts';
import { refuseNewer } from '../domain/newer-format.ts';
import { isDigest } from '../files/digest.ts';

/** Names of the entries of a volume, in their order; contents follow as `content/<sha256>`. */
export const volumeEntries = {
  header: 'volume.json',
  manifest: 'manifest.json',
  signature: 'manifest.json.asc',
  page: 'CONTENTS.md',
} as const;

/** Most bytes that are read of each into memory. */
export const volumeLimits = {
  header: 4096,
  manifest: 64 << 20,
  signature: 64 << 10,
  page: 64 << 20,
} as const;

/** A bundle has at most so many. */
export const maxVolumes = 9999;

/** The name of a content in a volume. */
export const contentName = (sha256: string): string => `content/${sha256}`;

/** What a volume says of itself; all of it is checked against the signed manifest that lies beside it. */
export interface VolumeHeader {
  /** SHA-256 of the manifest. */
  readonly bundle: string;
  readonly number: number;
  readonly total: number;
  /** SHA-256 of the signature's text, where there is one: armor has bytes that no signature check looks at. */
  readonly signatureSha256?: string;
}

/** A further member needs another number: no byte is taken that isn't written here. */
const format = 'fleet-depot-volume/1';

/** `volume.json` as it is written; the same header makes the same bytes. */
export const formatVolumeHeader = ({ bundle, number, total, signatureSha256 }: VolumeHeader): string =>
  `${JSON.stringify({ format, bundle, number, total, ...(signatureSha256 === undefined ? {} : { signatureSha256 }) })}\n`;

/** Throws DepotError BUNDLE_INVALID or FORMAT_NEWER. */
export const parseVolumeHeader = (bytes: Buffer, file: string): VolumeHeader => {
  const fail = (reason: string): DepotError => new DepotError('BUNDLE_INVALID', { file, reason });
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw fail('volume.json is not JSON');
  }
  const { format: found, bundle, number, total, signatureSha256 } = membersOf(value);
  refuseNewer(file, found, format);
  if (found !== format) {
    throw fail('it is no volume of a bundle that this version reads');
  }
  if (typeof bundle !== 'string' || !isDigest(bundle)) {
    throw fail('volume.json names no bundle');
  }
  if (
    typeof number !== 'number' ||
    typeof total !== 'number' ||
    !Number.isInteger(number) ||
    !Number.isInteger(total)
  ) {
    throw fail('volume.json has no number');
  }
  if (number < 1 || number > total) {
    throw fail(`volume.json says volume ${number} of ${total}`);
  }
  const header = {
    bundle,
    number,
    total,
    ...(typeof signatureSha256 === 'string' ? { signatureSha256 } : {}),
  };
  if (formatVolumeHeader(header) !== bytes.toString('utf8')) {
    throw fail('volume.json was changed');
  }
  return header;
};

/** A signature is smaller than this; used to reserve its place before it is made. */
const signatureReserve = 16 << 10;

/**
 * Divides contents into volumes, in their order, each tar below `volumeBytes` (below, because file systems like FAT32 can
 * hold one byte less than 4 GiB). `headBytes` are those of manifest and page at their longest, which every volume carries.
 * Returns the volume number of each digest. Throws BUNDLE_UNFIT where one file does not fit.
 */
export const divideIntoVolumes = (
  contents: readonly SnapshotFile[],
  volumeBytes: number | undefined,
  headBytes: { readonly manifest: number; readonly page: number },
): { readonly volumes: number; readonly numberOf: ReadonlyMap<string, number> } => {
  const numberOf = new Map<string, number>();
  const lists =
    1 +
    tarEndBytes +
    [volumeLimits.header, headBytes.manifest, headBytes.page, signatureReserve].reduce(
      (sum, size) => sum + tarEntryBytes(size),
      0,
    );
  const room = volumeBytes === undefined ? Number.POSITIVE_INFINITY : volumeBytes - lists;
  refuseLarge(contents, room, lists);
  let number = 1;
  let left = room;
  for (const file of contents) {
    const bytes = tarEntryBytes(file.size);
    if (bytes > left) {
      number += 1;
      left = room;
    }
    left -= bytes;
    numberOf.set(file.sha256, number);
  }
  return { volumes: number, numberOf };
};

/** No file is divided: the largest of all is told, with the size that it takes, so that the next try is the last. */
const refuseLarge = (contents: readonly SnapshotFile[], room: number, lists: number): void => {
  const largest = contents.reduce<SnapshotFile | undefined>(
    (most, file) => (most === undefined || file.size > most.size ? file : most),
    undefined,
  );
  if (largest !== undefined && tarEntryBytes(largest.size) > room) {
    const least = tarEntryBytes(largest.size) + lists;
    throw new DepotError('BUNDLE_UNFIT', {
      reason: `${largest.path} has ${largest.size} bytes and does not fit into a volume of this size with its lists; --volume-size ${least} is the smallest that holds every file`,
    });
  }
};
