import type { Depot } from '../depot/depot.ts';
import { bytesOf, differenceOf, type Difference, type SnapshotFile } from '../depot/file-list.ts';
import { soundJournal } from '../depot/vouching.ts';
import { DepotError } from '../domain/errors.ts';
import type { Bundle } from './bundle.ts';
import { contentsOf } from './manifest.ts';

/** What an import would change. */
export interface ImportPlan extends Difference {
  /** The snapshot in force now. */
  readonly current: string | undefined;
  /** Bytes of contents that have to be written. */
  readonly newBytes: number;
  /** Contents of the bundle that are here already, by name and size. */
  readonly present: number;
  /** When this very bundle was imported before: an old one that comes again would turn the depot back. */
  readonly importedAt?: string;
}

/**
 * Works out what an import would do. Throws BUNDLE_BASE_MISSING where contents that the bundle left out are not here, JOURNAL_BROKEN as
 * the import would. No depot is an empty one.
 */
export const planImport = async (bundle: Bundle, depot: Depot | undefined): Promise<ImportPlan> => {
  const { entries } = bundle.manifest;
  const { current, files } = await inForce(depot);
  const leftOut = entries.filter((entry) => entry.volume === 0);
  refuseMissing(bundle, await absentFrom(depot, leftOut));
  const journal = depot && (await soundJournal(depot.layout));
  const importedAt = journal?.lines.findLast(
    (line) => line.action === 'import' && line.bundle === bundle.id,
  )?.time;
  const held = contentsOf(bundle.manifest);
  const fresh = await absentFrom(depot, held);
  return {
    ...differenceOf(files, entries),
    current,
    newBytes: bytesOf(fresh),
    present: held.length - fresh.length,
    ...(importedAt === undefined ? {} : { importedAt }),
  };
};

/** A depot whose `current` or record is damaged must still be able to take the bundle that repairs it. */
const inForce = async (
  depot: Depot | undefined,
): Promise<{ readonly current: string | undefined; readonly files: readonly SnapshotFile[] }> => {
  const current = await depot?.snapshots.current().catch(() => undefined);
  if (depot === undefined || current === undefined) {
    return { current, files: [] };
  }
  const record = await depot.snapshots.record(current).catch(() => undefined);
  return { current, files: record?.files ?? [] };
};

const absentFrom = async (
  depot: Depot | undefined,
  entries: readonly SnapshotFile[],
): Promise<SnapshotFile[]> => {
  const absent: SnapshotFile[] = [];
  for (const entry of entries) {
    if (depot === undefined || !(await depot.content.has(entry))) {
      absent.push(entry);
    }
  }
  return absent;
};

/** Refuses a bundle that left out contents which are not here. Throws BUNDLE_BASE_MISSING. */
export const refuseMissing = ({ manifest, volumes }: Bundle, missing: readonly SnapshotFile[]): void => {
  const [first] = missing;
  if (first === undefined) {
    return;
  }
  throw new DepotError('BUNDLE_BASE_MISSING', {
    file: volumes[0]?.file ?? '',
    snapshot: manifest.base?.snapshot ?? '?',
    base: manifest.base?.depot ?? '?',
    missing: missing.length,
    files: manifest.entries.length,
    first: `${first.path} (${first.sha256.slice(0, 16)}…)`,
  });
};
