import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { countOf } from '../domain/count.ts';
import { syncFolder } from '../files/folder.ts';
import { unsigned } from './agreement.ts';
import type { ContentStore } from './content-store.ts';
import { pointCurrent, readCurrent } from './current.ts';
import { diskError, onDisk, writeDepotFile } from './disk-error.ts';
import { byPath, digestOfFiles, type SnapshotFile } from './file-list.ts';
import type { Journal } from './journal.ts';
import type { DepotLayout } from './layout.ts';
import { readMarks } from './marks.ts';
import { mendFolder, type Mending } from './mending.ts';
import { formatRecord, readRecord, recordedIds, type SnapshotRecord } from './record.ts';
import { layOut, replaceFile, type LinkFile } from './snapshot-folder.ts';
import { isSnapshotId, nextSnapshotId } from './snapshot-id.ts';
import { snapshotNamed } from './snapshot-name.ts';
import { isVouched, refuseUnvouched } from './vouching.ts';

/** Where a new snapshot comes from. */
export interface SnapshotOrigin {
  readonly bundle?: string;
  readonly signer?: string;
  /** One clause for the journal, where there was no bundle. */
  readonly note?: string;
}

/** The immutable snapshots of a depot. What changes something needs the depot's lock. */
export interface Snapshots {
  /** Ids of all snapshots, oldest first. */
  ids(): Promise<string[]>;
  /** The same with those of whom only the record is there, since somebody took the folder away. */
  recorded(): Promise<string[]>;
  /** Throws SNAPSHOT_UNKNOWN or DEPOT_DAMAGED. */
  record(id: string): Promise<SnapshotRecord>;
  /** The id that `current` points to, or undefined in a depot that has none yet. */
  current(): Promise<string | undefined>;
  /** An id from what a person wrote: an id, the beginning of just one, a label, `current` or `previous`. Throws SNAPSHOT_UNKNOWN. */
  resolve(name: string): Promise<string>;
  /**
   * Makes a snapshot of stored contents. It is laid out apart, appears by a rename and is then in the journal; nothing
   * points to it yet. Where the current or the newest one has the same files, that one is returned instead, mended; but
   * not where something is in its folder that can't be put right.
   */
  create(
    files: readonly SnapshotFile[],
    origin: SnapshotOrigin,
  ): Promise<{ record: SnapshotRecord; made: boolean }>;
  /** Puts right what in a snapshot's folder isn't as its record says, and tells the journal. Throws SNAPSHOT_UNKNOWN or DEPOT_DAMAGED. */
  mend(id: string): Promise<Mending>;
  /** Points `current` to a snapshot in one step (a symlink renamed over the old one), then tells the journal. */
  switchTo(id: string, action: 'switch' | 'rollback'): Promise<void>;
  /** Puts repaired contents into every snapshot that has the damaged file. */
  relink(digests: ReadonlySet<string>): Promise<void>;
}

/** The snapshots of a depot, whose files are hard links to its contents by `linkFile`. */
export const createSnapshots = (
  layout: DepotLayout,
  journal: Journal,
  content: ContentStore,
  clock: () => Date,
  linkFile?: LinkFile,
): Snapshots => {
  const ids = async (): Promise<string[]> => {
    const present = new Set(await onDisk(layout.snapshots, readdir(layout.snapshots)));
    return (await recordedIds(layout)).filter((id) => present.has(id));
  };

  const newestKnown = async (): Promise<string | undefined> => {
    const journaled = (await journal.read()).lines.flatMap((line) =>
      line.snapshot === undefined ? [] : [line.snapshot],
    );
    return [...journaled.filter(isSnapshotId), ...(await ids())].toSorted().at(-1);
  };

  /** The current or the newest snapshot, where it has these files, is vouched for, and its folder is right or was put right. */
  const existingOf = async (digest: string): Promise<SnapshotRecord | undefined> => {
    for (const id of [await readCurrent(layout).catch(() => undefined), (await ids()).at(-1)]) {
      const existing = id === undefined ? undefined : await readRecord(layout, id).catch(() => undefined);
      if (
        existing?.digest === digest &&
        (await isVouched(layout, existing)) &&
        (await snapshots.mend(existing.id)).left.length === 0
      ) {
        return existing;
      }
    }
    return undefined;
  };

  const snapshots: Snapshots = {
    ids,
    recorded: () => recordedIds(layout),
    record: (id) => readRecord(layout, id),
    current: () => readCurrent(layout),

    async resolve(name) {
      const known = await ids();
      const current = await readCurrent(layout);
      const { labels } = await readMarks(layout.marks);
      return snapshotNamed(name, { known, current, labels, journal });
    },

    async create(unordered, { note, ...origin }) {
      const files = [...unordered].toSorted(byPath);
      const digest = digestOfFiles(files);
      const existing = await existingOf(digest);
      if (existing !== undefined) {
        return { record: existing, made: false };
      }
      const id = nextSnapshotId(clock(), await newestKnown(), digest);
      const staging = path.join(layout.temporary, `snapshot.${id}`);
      const copied = await layOut(layout, staging, files, linkFile);
      const record: SnapshotRecord = {
        id,
        createdAt: clock().toISOString(),
        digest,
        copied,
        files,
        ...origin,
      };
      await showSnapshot(layout, record, staging);
      const { bundle, signer = unsigned } = origin;
      await journal.append({
        action: 'import',
        snapshot: id,
        digest,
        ...(bundle === undefined ? {} : { bundle, signer }),
        note: `${countOf(files.length, 'file')}${note === undefined ? '' : `, ${note}`}`,
      });
      return { record, made: true };
    },

    async mend(id) {
      const record = await readRecord(layout, id);
      const result = await mendFolder(layout, content, record);
      const [first] = result.mended;
      if (first !== undefined) {
        await journal.append({
          action: 'recover',
          snapshot: id,
          digest: record.digest,
          note: `put right ${countOf(result.mended.length, 'file that was', 'files that were')} missing or other than recorded, the first is ${first}`,
        });
      }
      return result;
    },

    async switchTo(id, action) {
      const record = await readRecord(layout, id);
      await refuseUnvouched(layout, record);
      const before = await readCurrent(layout).catch(() => undefined);
      await pointCurrent(layout, id);
      await journal.append({
        action,
        snapshot: id,
        digest: record.digest,
        note: before === undefined ? 'the first one' : `before: ${before}`,
      });
    },

    async relink(digests) {
      if (digests.size === 0) {
        return;
      }
      for (const id of await ids()) {
        const files = await readRecord(layout, id).then(
          (record) => record.files,
          () => [],
        );
        for (const { sha256, path: name } of files.filter((file) => digests.has(file.sha256))) {
          await replaceFile(layout, sha256, path.join(layout.snapshotFolder(id), name));
        }
      }
    },
  };
  return snapshots;
};

/** Gives a snapshot that was laid out apart its place. The record first: one without a folder is plainly half made, a folder without one could be anybody's. */
const showSnapshot = async (layout: DepotLayout, record: SnapshotRecord, staging: string): Promise<void> => {
  await writeDepotFile(layout.recordFile(record.id), formatRecord(record));
  try {
    await rename(staging, layout.snapshotFolder(record.id));
    await syncFolder(layout.snapshots);
  } catch (error) {
    throw diskError(layout.snapshotFolder(record.id), error);
  }
};
