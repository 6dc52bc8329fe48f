import { statfs } from 'node:fs/promises';
import type { Depot } from '../depot/depot.ts';
import { onDisk } from '../depot/disk-error.ts';
import { bytesOf, digestOfFiles, type SnapshotFile } from '../depot/file-list.ts';
import { DepotError } from '../domain/errors.ts';
import type { Bundle } from './bundle.ts';
import { planImport, refuseMissing, type ImportPlan } from './import-plan.ts';
import { contentsOf, type BundleEntry } from './manifest.ts';
import { checkingSink, readVolume, type ContentSink } from './volume-reader.ts';

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
  const base = baseOf(bundle);
  const total = bytesOf(contentsOf(manifest)) + bytesOf(base);
  let done = 0;
  const advance = (entry: SnapshotFile): void => progress((done += entry.size), total);

  await checkBase(bundle, base, depot, advance, signal);
  const { written, reused, repaired } = await storeContents(bundle, depot, advance, signal);
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
    written,
    reused,
    snapshot: record.id,
    made,
    repaired: repaired.size,
    mended,
    copied: record.copied,
  };
};

/** The contents that the bundle left out, each once. */
const baseOf = ({ manifest }: Bundle): readonly BundleEntry[] => {
  const leftOut = manifest.entries.filter((entry) => entry.volume === 0);
  return [...new Map(leftOut.map((entry) => [entry.sha256, entry])).values()];
};

const checkBase = async (
  bundle: Bundle,
  base: readonly BundleEntry[],
  depot: Depot,
  advance: (entry: SnapshotFile) => void,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const lacking: SnapshotFile[] = [];
  for (const entry of base) {
    if ((await depot.content.check(entry, signal)) !== 'whole') {
      lacking.push(entry);
    }
    advance(entry);
  }
  refuseMissing(bundle, lacking);
};

/** What became of the contents that a bundle holds. */
interface StoredContents {
  written: number;
  reused: number;
  /** Digests of those that were stored with other bytes. */
  readonly repaired: Set<string>;
}

const storeContents = async (
  { volumes, manifest }: Bundle,
  depot: Depot,
  advance: (entry: SnapshotFile) => void,
  signal: AbortSignal | undefined,
): Promise<StoredContents> => {
  const intake = depot.content.intake();
  const stored: StoredContents = { written: 0, reused: 0, repaired: new Set() };
  const sink: ContentSink = async (entry, chunks, fail) => {
    const state = await depot.content.check(entry, signal);
    if (state === 'whole') {
      await checkingSink(entry, chunks, fail);
      stored.reused += 1;
    } else {
      await intake.take(entry, chunks, fail);
      stored.written += 1;
      if (state === 'damaged') {
        stored.repaired.add(entry.sha256);
      }
    }
    advance(entry);
  };
  try {
    for (const head of volumes) {
      await readVolume(head, manifest, sink, signal);
    }
  } catch (error) {
    // What was checked and stored stays for the next run; nothing may write on after we gave up the lock.
    await intake.finish().catch(() => undefined);
    throw error;
  }
  await intake.finish();
  return stored;
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
