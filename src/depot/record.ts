import { readFile, readdir } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { refuseNewer } from '../domain/newer-format.ts';
import { errnoOf } from '../domain/system-error.ts';
import { diskError, onDisk } from './disk-error.ts';
import { checkFileList, digestOfFiles, readSnapshotFile, type SnapshotFile } from './file-list.ts';
import type { DepotLayout } from './layout.ts';
import { isSnapshotId } from './snapshot-id.ts';

/** What a depot knows of one snapshot: `records/<id>.json`. */
export interface SnapshotRecord {
  readonly id: string;
  /** What the clock said when it was made. */
  readonly createdAt: string;
  /** Digest of the set of files (`digestOfFiles`). */
  readonly digest: string;
  /** Id of the bundle that it came with. */
  readonly bundle?: string;
  /** Fingerprint of the bundle's signer. */
  readonly signer?: string;
  /** Files that had to be copied because the file system makes no hard links. */
  readonly copied: number;
  readonly files: readonly SnapshotFile[];
}

/** Ids of all that have a record, oldest first. Throws FILE_FAILED. */
export const recordedIds = async ({ records }: DepotLayout): Promise<string[]> =>
  (await onDisk(records, readdir(records)))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .filter(isSnapshotId)
    .toSorted();

/** The record of a snapshot. Throws SNAPSHOT_UNKNOWN, DEPOT_DAMAGED, FORMAT_NEWER or FILE_FAILED. */
export const readRecord = async (layout: DepotLayout, id: string): Promise<SnapshotRecord> => {
  const file = layout.recordFile(id);
  try {
    return parseRecord(await readFile(file, 'utf8'), file, id);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      throw new DepotError('SNAPSHOT_UNKNOWN', { name: id, reason: 'the depot has no such id' }, error);
    }
    throw diskError(file, error);
  }
};

const format = 'fleet-depot-snapshot/1';

/** A record as JSON with one file a line, so that text tools can compare two. */
export const formatRecord = (record: SnapshotRecord): string => {
  const { files, ...head } = record;
  const lines = files.map((file) =>
    JSON.stringify({ path: file.path, sha256: file.sha256, size: file.size }),
  );
  return `${JSON.stringify({ format, ...head }).slice(0, -1)},"files":[\n${lines.join(',\n')}\n]}\n`;
};

/** Reads a record and checks it against its own digest. Throws DepotError DEPOT_DAMAGED or FORMAT_NEWER. */
export const parseRecord = (text: string, path: string, id: string): SnapshotRecord => {
  const fail = (reason: string): DepotError => new DepotError('DEPOT_DAMAGED', { path, reason });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DepotError('DEPOT_DAMAGED', { path, reason: 'the record is not JSON' }, error);
  }
  if (typeof value !== 'object' || value === null) {
    throw fail('the record is not an object');
  }
  const {
    format: found,
    createdAt,
    digest,
    bundle,
    signer,
    copied,
    files,
    id: ownId,
  } = value as Record<string, unknown>;
  refuseNewer(path, found, format);
  if (found !== format) {
    throw fail(`the record's format is not ${format}`);
  }
  if (typeof ownId !== 'string' || !isSnapshotId(ownId) || ownId !== id) {
    throw fail('the record names another snapshot');
  }
  if (
    typeof createdAt !== 'string' ||
    typeof digest !== 'string' ||
    typeof copied !== 'number' ||
    !Array.isArray(files)
  ) {
    throw fail('the record lacks a field');
  }
  const list = files.map((one) => readSnapshotFile(one, fail));
  checkFileList(list, fail);
  if (digestOfFiles(list) !== digest) {
    throw fail('the record was changed: its files do not add up to its digest');
  }
  return {
    id,
    createdAt,
    digest,
    copied,
    files: list,
    ...(typeof bundle === 'string' ? { bundle } : {}),
    ...(typeof signer === 'string' ? { signer } : {}),
  };
};
