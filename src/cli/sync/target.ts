import { copyFile, link, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, normalize, resolve } from 'node:path';
import { openDepot, type Depot } from '../../depot/depot.ts';
import { refuseInsideDepot } from '../../depot/enclosing.ts';
import { digestOf } from '../../files/digest.ts';
import { diskError } from '../../depot/disk-error.ts';
import { cannotLink } from '../../files/errno.ts';
import { makeFolder } from '../../files/folder.ts';
import { isThere } from '../../files/place.ts';
import type { SnapshotFile } from '../../depot/file-list.ts';
import { soundJournal } from '../../depot/vouching.ts';
import { DepotError } from '../../domain/errors.ts';
import { createLayout, workFolderName, type Layout } from '../../mirror/record/layout.ts';
import { formatLockFile, readLockFile, type LockFile } from '../../mirror/record/lock-file.ts';
import { isReleasePath } from '../../mirror/record/locked-file.ts';
import type { SyncOutcome, SyncReport } from '../../mirror/record/report.ts';
import type { SyncDeps } from '../../mirror/sync-deps.ts';
import { originalSignaturePath, signaturePath } from '../../signing/archive-signature.ts';
import { processEnvironment } from '../depot-report.ts';

/** What `sync` fills. */
export interface SyncTarget {
  readonly layout: Layout;
  /** The lock file of the set that is in force. */
  readonly lockFile: string;
  readonly hooks: Pick<SyncDeps, 'prepare' | 'lockFilesBefore' | 'conclude'>;
}

/** How a depot takes what was fetched. */
export interface DepotSync {
  readonly dryRun: boolean;
  /** Make a snapshot though something failed. */
  readonly partial: boolean;
  /** For the journal: `sync of lite from https://…`. */
  readonly note: string;
}

/** Whether a folder is a depot, which gets snapshots; any other is filled itself. */
export const isDepot = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, 'depot.json')).catch(() => undefined)) !== undefined;

/**
 * A plain folder, or, where `folder` has a depot.json, that depot: then everything is gathered in a folder of it that no
 * server sees, and becomes a new snapshot when it is all there.
 */
export const openSyncTarget = async (folder: string, how: DepotSync): Promise<SyncTarget> => {
  const root = resolve(folder);
  if (!(await isDepot(root))) {
    await refuseInsideDepot(root, 'name the depot itself (--to), and it gets a new one');
    const layout = createLayout(root);
    return { layout, lockFile: layout.lockFile, hooks: {} };
  }
  const depot = await openDepot(root, processEnvironment);
  // Asked before hours are spent on what goes there.
  await soundJournal(depot.layout);
  const { current, gathering } = depot.layout;
  // A dry run only looks, and what is to be looked at is the snapshot in force.
  const layout = how.dryRun
    ? createLayout(current, join(gathering, workFolderName))
    : createLayout(gathering);
  return {
    layout,
    lockFile: join(current, 'distribution.lock'),
    hooks: {
      prepare: () => gather(depot),
      lockFilesBefore: () => lockFilesOf(depot),
      conclude: (outcome, lock) => conclude(depot, outcome, lock, how),
    },
  };
};

/** Puts what sync knows of the current snapshot beside what an earlier, unfinished run fetched, as hard links. */
const gather = async (depot: Depot): Promise<void> => {
  const { layout, snapshots } = depot;
  try {
    await makeFolder(layout.gathering);
    const there = new Set(await readdir(layout.gathering, { recursive: true }));
    await rm(join(layout.gathering, 'distribution.lock'), { force: true });
    const recorded = await filesOf(depot, await snapshots.current());
    // What somebody took out of the snapshot is fetched again.
    const lost = new Set(
      await Promise.all(
        recorded.map(async ({ path }) => ((await isThere(join(layout.current, path))) ? '' : path)),
      ),
    );
    for (const { path } of recorded.filter((file) => !lost.has(file.path))) {
      const isOurs = /^[^/]+\.zip(?:\.sig(?:\.orig)?)?$/.test(path) || isReleasePath(path);
      if (isOurs && !there.has(normalize(path))) {
        await makeFolder(dirname(join(layout.gathering, path)));
        await linkOrCopy(join(layout.current, path), join(layout.gathering, path));
      }
      if (path === 'distribution.lock') {
        await copyFile(join(layout.current, path), join(layout.gathering, path));
      }
    }
  } catch (error) {
    throw diskError(layout.gathering, error);
  }
};

const linkOrCopy = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to);
  } catch (error) {
    if (!cannotLink(error)) {
      throw error;
    }
    await copyFile(from, `${to}.tmp`);
    await rename(`${to}.tmp`, to);
  }
};

/**
 * The lock files of all snapshots, each once: what a bundle brought was placed by the `sync` that filled the folder outside. One
 * that can't be read knows nothing.
 */
const lockFilesOf = async ({ snapshots, layout }: Depot): Promise<readonly LockFile[]> => {
  const digests = new Set<string>();
  for (const id of await snapshots.ids()) {
    const record = await snapshots.record(id).catch(() => undefined);
    const lock = record?.files.find(({ path }) => path === 'distribution.lock');
    if (lock !== undefined) {
      digests.add(lock.sha256);
    }
  }
  const locks = await Promise.all(
    [...digests].map((sha256) => readLockFile(layout.contentFile(sha256)).catch(() => undefined)),
  );
  return locks.filter((lock) => lock !== undefined);
};

/** Stores what is new, makes the snapshot, switches to it, and empties the gathering place. */
const conclude = async (
  depot: Depot,
  { failed, pruned }: SyncOutcome,
  lock: LockFile,
  how: DepotSync,
): Promise<Partial<SyncReport>> => {
  const { layout, snapshots } = depot;
  const folder = layout.root;
  const { packages, files: others = [] } = lock;
  if (failed > 0 && !(how.partial && packages.length + others.length > 0)) {
    return { folder, snapshot: { id: await snapshots.current() } };
  }
  return depot.change('sync', async () => {
    const previous = await snapshots.current();
    const lockText = Buffer.from(formatLockFile(lock));
    const locked = { path: 'distribution.lock', sha256: digestOf(lockText), size: lockText.length };
    const wanted = [
      ...packages.flatMap(filesOfPackage),
      ...others.map(({ path, sha256, size }) => ({ path, sha256, size })),
    ];
    const intake = depot.content.intake();
    const repaired = new Set<string>();
    for (const file of wanted) {
      const source = join(layout.gathering, file.path);
      const stored = await stateOf(depot, file, source);
      if (stored !== 'whole') {
        await intake.takeFile(file, source, (reason) => changed(source, reason));
      }
      if (stored === 'damaged') {
        repaired.add(file.sha256);
      }
    }
    await intake.take(locked, once(lockText), (reason) => changed('distribution.lock', reason));
    await intake.finish();
    await snapshots.relink(repaired);
    const files = merge(await filesOf(depot, previous), [...wanted, locked], pruned);
    const { record } = await snapshots.create(files, { note: how.note });
    if (record.id !== previous) {
      await snapshots.switchTo(record.id, 'switch');
    }
    await emptyGathering(layout.gathering);
    return {
      folder,
      snapshot: {
        id: record.id,
        ...(previous === undefined || previous === record.id ? {} : { previous }),
      },
    };
  });
};

/** A content that was there before is read only where it was fetched again: what was damaged there is to be put right. */
const stateOf = async (
  depot: Depot,
  file: SnapshotFile,
  source: string,
): Promise<'whole' | 'damaged' | 'absent'> => {
  if (!(await depot.content.has(file))) {
    return depot.content.check(file);
  }
  const [stored, fetched] = await Promise.all([
    stat(depot.layout.contentFile(file.sha256)),
    stat(source).catch(() => undefined),
  ]);
  return fetched === undefined || (fetched.ino === stored.ino && fetched.dev === stored.dev)
    ? 'whole'
    : depot.content.check(file);
};

const changed = (file: string, reason: string): DepotError =>
  new DepotError('ARCHIVE_MISMATCH', { file, reason });

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const filesOf = async (depot: Depot, id: string | undefined): Promise<readonly SnapshotFile[]> =>
  id === undefined ? [] : (await depot.snapshots.record(id)).files;

const filesOfPackage = (one: LockFile['packages'][number]): SnapshotFile[] => {
  const path = `${one.name}-${one.version}.zip`;
  const { sha256, size, signature, original } = one;
  return [
    { path, sha256, size },
    ...(signature === undefined ? [] : [{ path: signaturePath(path), ...signature }]),
    ...(original?.signature === undefined
      ? []
      : [{ path: originalSignaturePath(path), ...original.signature }]),
  ];
};

/** The snapshot's files with the new ones over them. A package that was replaced, signed anew or deleted takes its signatures along. */
const merge = (
  before: readonly SnapshotFile[],
  after: readonly SnapshotFile[],
  pruned: readonly string[],
): readonly SnapshotFile[] => {
  const files = new Map(before.map((file) => [file.path, file]));
  const now = new Map(after.map((file) => [file.path, file]));
  const isSame = (path: string): boolean => files.get(path)?.sha256 === now.get(path)?.sha256;
  const archives = after.filter(
    ({ path }) => /^[^/]+\.zip$/.test(path) && !(isSame(path) && isSame(signaturePath(path))),
  );
  for (const archive of [...archives.map(({ path }) => path), ...pruned]) {
    for (const path of [archive, signaturePath(archive), originalSignaturePath(archive)]) {
      files.delete(path);
    }
  }
  for (const file of after) {
    files.set(file.path, file);
  }
  return [...files.values()];
};

/** What is in a snapshot now needs no second name, which would keep `gc` from freeing it. The journal of checks stays. */
const emptyGathering = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    if (name !== workFolderName) {
      await rm(join(folder, name), { force: true, recursive: true });
    }
  }
};
