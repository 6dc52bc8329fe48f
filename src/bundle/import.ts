import { statfs } from 'node:fs/promises';
import type { Depot } from '../depot/depot.ts';
import { onDisk } from '../depot/disk-error.ts';
import {
  bytesOf,
  differenceOf,
  digestOfFiles,
  type Difference,
  type SnapshotFile,
} from '../depot/file-list.ts';
import { soundJournal } from '../depot/vouching.ts';
import { DepotError } from '../domain/errors.ts';
import type { Bundle } from './bundle.ts';
import { contentsOf } from './manifest.ts';
import { checkingSink, readVolume } from './volume-reader.ts';

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

/** What an import did. */
export interface ImportResult extends ImportPlan {
  readonly snapshot: string;
  /** False where the current or the newest snapshot had the same files already. */
  readonly made: boolean;
  /** Contents written, and those that were here and whole. */
  readonly written: number;
  readonly reused: number;
  /** Stored contents that were damaged and are whole again. */
  readonly repaired: number;
  /** Files of snapshots that were missing or other than recorded and are right again. */
  readonly mended: number;
  /** Files that had to be copied because hard links can't be had. */
  readonly copied: number;
}

/** Works out what an import would do. Throws BUNDLE_BASE_MISSING where contents that the bundle left out are not here, JOURNAL_BROKEN as the import would. No depot is an empty one. */
export const planImport = async (bundle: Bundle, depot: Depot | undefined): Promise<ImportPlan> => {
  const { manifest } = bundle;
  // A depot whose `current` or record is damaged must still be able to take the bundle that repairs it.
  const current = await depot?.snapshots.current().catch(() => undefined);
  const before =
    depot === undefined || current === undefined
      ? []
      : await depot.snapshots.record(current).then(
          (record) => record.files,
          () => [],
        );
  const absent = async (entries: readonly SnapshotFile[]): Promise<SnapshotFile[]> => {
    const found: SnapshotFile[] = [];
    for (const entry of entries) {
      if (depot === undefined || !(await depot.content.has(entry))) {
        found.push(entry);
      }
    }
    return found;
  };
  refuseMissing(bundle, await absent(manifest.entries.filter((entry) => entry.volume === 0)));
  const journal = depot === undefined ? undefined : await soundJournal(depot.layout);
  const importedAt = journal?.lines.findLast(
    (line) => line.action === 'import' && line.bundle === bundle.id,
  )?.time;
  const held = contentsOf(manifest);
  const fresh = await absent(held);
  return {
    ...differenceOf(before, manifest.entries),
    current,
    newBytes: bytesOf(fresh),
    present: held.length - fresh.length,
    ...(importedAt === undefined ? {} : { importedAt }),
  };
};

/**
 * Takes a bundle into a depot: contents into the store (each checked, those that are there whole not written again), then
 * a new snapshot, then `current`, each in one step. Whatever ends it in between, `current` and every snapshot stay as they
 * were, and the next run goes on from the contents that are stored. Call it inside `depot.change`.
 */
export const importBundle = async (
  bundle: Bundle,
  depot: Depot,
  progress: (bytes: number, total: number) => void,
  signal?: AbortSignal,
): Promise<ImportResult> => {
  const { manifest, trust } = bundle;
  const plan = await planImport(bundle, depot);
  await refuseSmallDisk(depot, plan.newBytes);
  const base = [
    ...new Map(
      manifest.entries.filter((entry) => entry.volume === 0).map((entry) => [entry.sha256, entry]),
    ).values(),
  ];
  const total = bytesOf(contentsOf(manifest)) + bytesOf(base);
  let done = 0;
  const advance = (entry: SnapshotFile): void => progress((done += entry.size), total);

  const lacking: SnapshotFile[] = [];
  for (const entry of base) {
    if ((await depot.content.check(entry, signal)) !== 'whole') {
      lacking.push(entry);
    }
    advance(entry);
  }
  refuseMissing(bundle, lacking);

  const intake = depot.content.intake();
  const counts = { written: 0, reused: 0 };
  const repaired = new Set<string>();
  for (const head of bundle.volumes) {
    await readVolume(
      head,
      manifest,
      async (entry, chunks, fail) => {
        const stored = await depot.content.check(entry, signal);
        if (stored === 'whole') {
          await checkingSink(entry, chunks, fail);
          counts.reused += 1;
        } else {
          await intake.take(entry, chunks, fail);
          counts.written += 1;
          if (stored === 'damaged') {
            repaired.add(entry.sha256);
          }
        }
        advance(entry);
      },
      signal,
    ).catch(async (error: unknown) => {
      // What was checked and stored stays for the next run; nothing may write on after we gave up the lock.
      await intake.finish().catch(() => undefined);
      throw error;
    });
  }
  await intake.finish();
  signal?.throwIfAborted();
  await depot.snapshots.relink(repaired);
  const files = manifest.entries.map(({ path, sha256, size }) => ({ path, sha256, size }));
  const origin = { bundle: bundle.id, ...(trust.state === 'signed' ? { signer: trust.fingerprint } : {}) };
  const mended = await mendAll(depot, digestOfFiles(files));
  const { record, made } = await depot.snapshots.create(files, origin);
  if (plan.current !== record.id) {
    await depot.snapshots.switchTo(record.id, 'switch');
  }
  return {
    ...plan,
    ...counts,
    snapshot: record.id,
    made,
    repaired: repaired.size,
    mended,
    copied: record.copied,
  };
};

/** A bundle of a set that is here already is how a damaged depot is put right: files of all snapshots, not only contents. */
const mendAll = async (depot: Depot, digest: string): Promise<number> => {
  const { snapshots } = depot;
  const ids = await snapshots.recorded();
  const records = await Promise.all(ids.map((id) => snapshots.record(id).catch(() => undefined)));
  let mended = 0;
  if (records.some((record) => record?.digest === digest)) {
    for (const record of records) {
      mended += record === undefined ? 0 : (await snapshots.mend(record.id)).mended.length;
    }
  }
  return mended;
};

const refuseMissing = ({ manifest, volumes }: Bundle, missing: readonly SnapshotFile[]): void => {
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

/** Room for lists, folders and block sizes beside the contents themselves. */
const spareBytes = 8 << 20;

const refuseSmallDisk = async (depot: Depot, bytes: number): Promise<void> => {
  const { root } = depot.layout;
  const disk = await onDisk(root, statfs(root));
  const free = disk.bavail * disk.bsize;
  if (bytes > 0 && free < bytes + spareBytes) {
    throw new DepotError('DEPOT_FULL', {
      path: root,
      reason: `${bytes + spareBytes} bytes are needed, ${free} are free`,
    });
  }
};
