import { checkFileList, readSnapshotFile, type SnapshotFile } from '../depot/file-list.ts';
import { isSnapshotId } from '../depot/snapshot-id.ts';
import { parseConstraint } from '../domain/constraint.ts';
import { DepotError } from '../domain/errors.ts';
import { membersOf } from '../domain/json-tree.ts';
import { refuseNewer } from '../domain/newer-format.ts';
import { isDigest } from '../files/digest.ts';
import { maxVolumes } from './volume.ts';

/** One file of the complete set that a bundle stands for. */
export interface BundleEntry extends SnapshotFile {
  /** Number of the volume that holds the content, from 1; 0 where the receiver has it already. */
  readonly volume: number;
  /** Of a package: the constraint for Kibana's version in its manifest; absent where it has none. */
  readonly kibana?: string;
}

/** A snapshot of a depot, by both their ids. */
export interface SnapshotReference {
  readonly depot: string;
  readonly snapshot: string;
}

/** The signed list of everything. Its SHA-256 is the bundle's id. It has no time in it: the same files make the same bytes. */
export interface BundleManifest {
  /** Where the files came from, unless it was a plain folder. */
  readonly source?: SnapshotReference;
  /** The receiver's snapshot whose contents are left out. */
  readonly base?: SnapshotReference;
  readonly volumes: number;
  /** The human-readable contents page. */
  readonly page: { readonly sha256: string; readonly size: number };
  /** Sorted by path; complete also where `base` is set. */
  readonly entries: readonly BundleEntry[];
}

const format = 'fleet-depot-bundle/1';

/** The manifest as JSON, one file a line. */
export const formatManifest = ({ source, base, volumes, page, entries }: BundleManifest): string => {
  const head = {
    format,
    ...(source ? { source } : {}),
    ...(base ? { base } : {}),
    volumes,
    page: { sha256: page.sha256, size: page.size },
  };
  const lines = entries.map(({ path, sha256, size, volume, kibana }) =>
    JSON.stringify({ path, sha256, size, volume, kibana }),
  );
  return `${JSON.stringify(head).slice(0, -1)},"entries":[\n${lines.join(',\n')}\n]}\n`;
};

/**
 * Reads a manifest. Keys that are not known are ignored, so that later versions can add some.
 * Throws DepotError BUNDLE_INVALID or FORMAT_NEWER.
 */
export const parseManifest = (bytes: Buffer, file: string): BundleManifest => {
  const fail = (reason: string): DepotError =>
    new DepotError('BUNDLE_INVALID', { file, reason: `manifest.json: ${reason}` });
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw fail('it is not JSON');
  }
  if (typeof value !== 'object' || value === null) {
    throw fail('it is not an object');
  }
  const { format: found, source, base, volumes, page, entries } = value as Record<string, unknown>;
  refuseNewer(file, found, format);
  if (found !== format) {
    throw fail(`its format is ${JSON.stringify(found) ?? 'missing'}, this version reads ${format}`);
  }
  if (typeof volumes !== 'number' || !Number.isInteger(volumes) || volumes < 1 || volumes > maxVolumes) {
    throw fail('the number of volumes is absurd');
  }
  if (!Array.isArray(entries)) {
    throw fail('it has no entries');
  }
  const described = readPage(page, fail);
  const list = entries.map((one) => readEntry(one, volumes, fail));
  checkFileList(list, fail);
  checkPlaces(list, fail);
  const origin = readReference(source, fail);
  const before = readReference(base, fail);
  if (before === undefined && list.some((entry) => entry.volume === 0)) {
    throw fail('contents are left out, but no base is named');
  }
  return {
    volumes,
    page: described,
    entries: list,
    ...(origin ? { source: origin } : {}),
    ...(before ? { base: before } : {}),
  };
};

type Fail = (reason: string) => DepotError;

const readPage = (value: unknown, fail: Fail): BundleManifest['page'] => {
  const { sha256, size } = membersOf(value);
  if (
    typeof sha256 !== 'string' ||
    !isDigest(sha256) ||
    typeof size !== 'number' ||
    !Number.isSafeInteger(size) ||
    size < 0
  ) {
    throw fail('it does not describe the contents page');
  }
  return { sha256, size };
};

const readEntry = (value: unknown, volumes: number, fail: Fail): BundleEntry => {
  const { volume, kibana } = membersOf(value);
  const file = readSnapshotFile(value, fail);
  if (typeof volume !== 'number' || !Number.isInteger(volume) || volume < 0 || volume > volumes) {
    throw fail(`${file.path} is in no volume`);
  }
  if (kibana === undefined) {
    return { ...file, volume };
  }
  if (typeof kibana !== 'string' || !parseConstraint(kibana)) {
    throw fail(`what ${file.path} wants of Kibana is no version constraint`);
  }
  return { ...file, volume, kibana };
};

/** A content is in one volume, however many files have it. */
const checkPlaces = (entries: readonly BundleEntry[], fail: Fail): void => {
  const places = new Map<string, number>();
  for (const entry of entries) {
    if ((places.get(entry.sha256) ?? entry.volume) !== entry.volume) {
      throw fail(`${entry.path} has its content in two volumes`);
    }
    places.set(entry.sha256, entry.volume);
  }
};

const readReference = (value: unknown, fail: Fail): SnapshotReference | undefined => {
  if (value === undefined) {
    return undefined;
  }
  const { depot, snapshot } = membersOf(value);
  if (
    typeof depot !== 'string' ||
    !/^[0-9a-f-]{36}$/.test(depot) ||
    typeof snapshot !== 'string' ||
    !isSnapshotId(snapshot)
  ) {
    throw fail('it names a depot or a snapshot that can be none');
  }
  return { depot, snapshot };
};

/** The contents of one volume (or of all), each once, in the order of their first path. */
export const contentsOf = (manifest: BundleManifest, volume?: number): BundleEntry[] => {
  const seen = new Map<string, BundleEntry>();
  for (const entry of manifest.entries) {
    if (entry.volume > 0 && (volume === undefined || entry.volume === volume) && !seen.has(entry.sha256)) {
      seen.set(entry.sha256, entry);
    }
  }
  return [...seen.values()];
};
