import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openDepot, type Depot } from '../../depot/depot.ts';
import { refuseInsideDepot } from '../../depot/enclosing.ts';
import { soundJournal } from '../../depot/vouching.ts';
import { createLayout, workFolderName, type Layout } from '../../mirror/record/layout.ts';
import { readLockFile, type LockFile } from '../../mirror/record/lock-file.ts';
import type { SyncDeps } from '../../mirror/sync-deps.ts';
import { processEnvironment } from '../depot-report.ts';
import { gather } from './gathering.ts';
import { conclude, type DepotSync } from './new-snapshot.ts';

/** What `sync` fills. */
export interface SyncTarget {
  readonly layout: Layout;
  /** The lock file of the set that is in force. */
  readonly lockFile: string;
  readonly hooks: Pick<SyncDeps, 'prepare' | 'lockFilesBefore' | 'conclude'>;
}

/** Whether a folder is a depot, which gets snapshots; any other is filled itself. */
export const isDepot = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, 'depot.json')).catch(() => undefined)) !== undefined;

/**
 * A plain folder, or, where `folder` has a depot.json, that depot: then everything is gathered in a folder of it that no
 * server sees, and becomes a new snapshot when it is all there.
 */
export const openSyncTarget = async (
  folder: string,
  how: DepotSync & { readonly dryRun: boolean },
): Promise<SyncTarget> => {
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
