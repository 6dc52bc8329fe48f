import { lstat, readFile, readdir, readlink, rename, symlink } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { unsigned } from './agreement.ts';
import type { ContentStore } from './content-store.ts';
import { diskError, writeDepotFile } from './disk-error.ts';
import { errnoOf } from '../domain/system-error.ts';
import { syncFolder } from '../files/folder.ts';
import { discard } from '../files/temporary.ts';
import { byPath, digestOfFiles, type SnapshotFile } from './file-list.ts';
import type { Journal } from './journal.ts';
import type { DepotLayout } from './layout.ts';
import { readMarks } from './marks.ts';
import { mendFolder, type Mending } from './mending.ts';
import { formatRecord, parseRecord, type SnapshotRecord } from './record.ts';
import { layOut, replaceFile, type LinkFile } from './snapshot-folder.ts';
import { isSnapshotId, nextSnapshotId } from './snapshot-id.ts';
import { successionOf } from './succession.ts';
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

export const createSnapshots = (
  layout: DepotLayout,
  journal: Journal,
  content: ContentStore,
  clock: () => Date,
  linkFile?: LinkFile,
): Snapshots => {
  const namesIn = (folder: string): Promise<string[]> =>
    readdir(folder).catch((error: unknown) => {
      throw diskError(folder, error);
    });
  const recorded = async (): Promise<string[]> =>
    (await namesIn(layout.records))
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .filter(isSnapshotId)
      .toSorted();
  const ids = async (): Promise<string[]> => {
    const present = new Set(await namesIn(layout.snapshots));
    return (await recorded()).filter((id) => present.has(id));
  };

  /** What was in force before; where the journal does not know, the one that was made before. */
  const previousOf = async (
    now: string | undefined,
    known: readonly string[],
  ): Promise<string | undefined> => {
    const succession = successionOf((await journal.read()).lines).filter((id) => known.includes(id));
    const at = now === undefined ? -1 : succession.lastIndexOf(now);
    return at > 0 ? succession[at - 1] : known.filter((id) => id < (now ?? '')).at(-1);
  };

  const record = async (id: string): Promise<SnapshotRecord> => {
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

  const current = async (): Promise<string | undefined> => {
    try {
      const target = await readlink(layout.current);
      const id = path.basename(target);
      if (path.dirname(target) === 'snapshots' && isSnapshotId(id)) {
        return id;
      }
      throw new DepotError('DEPOT_DAMAGED', {
        path: layout.current,
        reason: `it points to ${target} instead of a snapshot; \`snapshot rollback ID\` sets it right`,
      });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        return undefined;
      }
      if (errnoOf(error) === 'EINVAL') {
        throw new DepotError(
          'DEPOT_DAMAGED',
          { path: layout.current, reason: 'it is no symlink; move it away' },
          error,
        );
      }
      throw error;
    }
  };

  const newestKnown = async (): Promise<string | undefined> => {
    const journaled = (await journal.read()).lines.flatMap((line) =>
      line.snapshot === undefined ? [] : [line.snapshot],
    );
    return [...journaled.filter(isSnapshotId), ...(await ids())].toSorted().at(-1);
  };

  const mend = async (id: string): Promise<Mending> => {
    const known = await record(id);
    const result = await mendFolder(layout, content, known);
    const [first] = result.mended;
    if (first !== undefined) {
      await journal.append({
        action: 'recover',
        snapshot: id,
        digest: known.digest,
        note: `put right ${result.mended.length} files that were missing or other than recorded, the first is ${first}`,
      });
    }
    return result;
  };

  const switchTo = async (id: string, action: 'switch' | 'rollback'): Promise<void> => {
    const known = await record(id);
    const { digest } = known;
    await refuseUnvouched(layout, known);
    const before = await current().catch(() => undefined);
    const temporary = `${layout.current}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      if (!(await lstat(layout.snapshotFolder(id))).isDirectory()) {
        throw new DepotError('DEPOT_DAMAGED', { path: layout.snapshotFolder(id), reason: 'it is no folder' });
      }
      await symlink(path.join('snapshots', id), temporary);
      await rename(temporary, layout.current);
      await syncFolder(layout.root);
    } catch (error) {
      await discard(temporary);
      throw diskError(layout.current, error);
    }
    await journal.append({
      action,
      snapshot: id,
      digest,
      note: before === undefined ? 'the first one' : `before: ${before}`,
    });
  };

  return {
    ids,
    recorded,
    record,
    current,
    switchTo,
    mend,

    async resolve(name) {
      const known = await ids();
      const now = await current();
      const label = (await readMarks(layout.marks)).labels.get(name);
      const wanted = name === 'current' ? now : name === 'previous' ? await previousOf(now, known) : label;
      if (wanted !== undefined && known.includes(wanted)) {
        return wanted;
      }
      if (name === 'previous') {
        throw new DepotError('SNAPSHOT_UNKNOWN', { name, reason: 'there is none before the current one' });
      }
      if (name === 'current' && known.length === 0) {
        const reason = 'the depot has none yet; `bundle import` and `sync` make them';
        throw new DepotError('SNAPSHOT_UNKNOWN', { name, reason });
      }
      if (name === 'current' && now === undefined) {
        const reason = '`current` is missing; `snapshot rollback ID` sets it';
        throw new DepotError('SNAPSHOT_UNKNOWN', { name, reason });
      }
      const matching = known.filter((id) => name !== '' && id.startsWith(name));
      const [only] = matching;
      if (only !== undefined && (matching.length === 1 || only === name)) {
        return only;
      }
      throw new DepotError('SNAPSHOT_UNKNOWN', {
        name,
        reason: matching.length === 0 ? 'no id or label is so' : `${matching.length} ids begin so`,
      });
    },

    async create(unordered, { note, ...origin }) {
      const files = [...unordered].toSorted(byPath);
      const digest = digestOfFiles(files);
      for (const known of [await current().catch(() => undefined), (await ids()).at(-1)]) {
        const existing = known === undefined ? undefined : await record(known).catch(() => undefined);
        if (
          existing?.digest === digest &&
          (await isVouched(layout, existing)) &&
          (await mend(existing.id)).left.length === 0
        ) {
          return { record: existing, made: false };
        }
      }
      const id = nextSnapshotId(clock(), await newestKnown(), digest);
      const staging = path.join(layout.temporary, `snapshot.${id}`);
      const copied = await layOut(layout, staging, files, linkFile);
      const made: SnapshotRecord = { id, createdAt: clock().toISOString(), digest, copied, files, ...origin };
      // The record first: a record without a folder is plainly half made, a folder without a record could be anybody's.
      await writeDepotFile(layout.recordFile(id), formatRecord(made));
      try {
        await rename(staging, layout.snapshotFolder(id));
        await syncFolder(layout.snapshots);
      } catch (error) {
        throw diskError(layout.snapshotFolder(id), error);
      }
      const { bundle, signer = unsigned } = origin;
      await journal.append({
        action: 'import',
        snapshot: id,
        digest,
        ...(bundle === undefined ? {} : { bundle, signer }),
        note: `${files.length} files${note === undefined ? '' : `, ${note}`}`,
      });
      return { record: made, made: true };
    },

    async relink(digests) {
      if (digests.size === 0) {
        return;
      }
      for (const id of await ids()) {
        const { files } = await record(id).catch(() => ({ files: [] as SnapshotFile[] }));
        for (const file of files) {
          if (digests.has(file.sha256)) {
            await replaceFile(layout, file.sha256, path.join(layout.snapshotFolder(id), file.path));
          }
        }
      }
    },
  };
};
