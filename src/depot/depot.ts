import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { dropEmpty, makeFolder } from '../files/folder.ts';
import type { RunHolder } from '../files/run-holder.ts';
import { holdingLock } from '../files/run-lock.ts';
import { createContentStore, type ContentStore } from './content-store.ts';
import { refuseWithoutLinks } from './current.ts';
import { depotLock } from './depot-lock.ts';
import { readMarker, writeMarker } from './depot-marker.ts';
import { diskError } from './disk-error.ts';
import { createJournal, type Journal } from './journal.ts';
import { depotLayout, makeDepotFolders, type DepotLayout } from './layout.ts';
import { adoptMarks, recoverDepot } from './recovery.ts';
import { keepReserve, spendReserve } from './reserve.ts';
import type { LinkFile } from './snapshot-folder.ts';
import { createSnapshots, type Snapshots } from './snapshots.ts';

/** A folder with contents, snapshots of them, and the record of every change. */
export interface Depot {
  /** A UUID, made once. */
  readonly id: string;
  readonly layout: DepotLayout;
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly journal: Journal;
  /**
   * Runs a change: alone (lock), after what an interrupted run left has been cleaned up. `verb` tells others who is at it;
   * `work` is told of the run that was cut just before. Throws DEPOT_LOCKED, JOURNAL_BROKEN, and what `work` throws.
   */
  change<T>(verb: string, work: (cut: RunHolder | undefined) => Promise<T>): Promise<T>;
  /** The same for a change that stores nothing: on a full disk it gets what the depot has kept back for it. */
  smallChange<T>(verb: string, work: (cut: RunHolder | undefined) => Promise<T>): Promise<T>;
  /** After a person looked into a broken journal: sets it aside and starts a new chain. Returns the old file's new path. */
  restartJournal(): Promise<string>;
}

/** What a depot takes from the process around it. */
export interface DepotEnvironment {
  readonly clock: () => Date;
  /** The OS user, for the journal. */
  readonly user: () => string;
  readonly linkFile?: LinkFile;
  /** Makes a symbolic link. For tests of file systems without. */
  readonly linkFolder?: LinkFile;
}

/** Opens a depot. Throws DepotError DEPOT_UNKNOWN, DEPOT_DAMAGED or FORMAT_NEWER. */
export const openDepot = async (root: string, environment: DepotEnvironment): Promise<Depot> => {
  const layout = depotLayout(root);
  return composeDepot(layout, await readMarker(layout), environment);
};

/** Opens a depot, or makes one where the folder is not there or empty. Throws DEPOT_UNKNOWN where other things lie there. */
export const openOrCreateDepot = async (root: string, environment: DepotEnvironment): Promise<Depot> => {
  const layout = depotLayout(root);
  const names: string[] = await readdir(root).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT') {
      return [];
    }
    throw diskError(root, error);
  });
  if (names.includes('depot.json')) {
    return openDepot(root, environment);
  }
  refuseForeign(root, names);
  let made: readonly string[] = [];
  try {
    made = await makeFolder(root);
    await refuseWithoutLinks(layout, environment.linkFolder);
    await makeDepotFolders(layout);
  } catch (error) {
    await dropEmpty(made);
    throw diskError(root, error);
  }
  return composeDepot(layout, await writeMarker(layout, environment.clock()), environment);
};

const refuseForeign = (root: string, names: readonly string[]): void => {
  // A run that was cut while it made the depot leaves some of these; its keyring may be there before it.
  const foreign = names.find(
    (name) =>
      !['content', 'snapshots', 'records', 'tmp', 'keys', 'lost+found'].includes(name) &&
      !name.endsWith('.tmp'),
  );
  if (foreign !== undefined) {
    throw new DepotError('DEPOT_UNKNOWN', {
      path: root,
      reason: `it has no depot.json but other things (${foreign})`,
    });
  }
};

/** The name of the user that runs us; its number where it has no name, as in a container. */
export const osUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
};

const composeDepot = (layout: DepotLayout, id: string, environment: DepotEnvironment): Depot => {
  const journal = createJournal(layout.journal, environment.clock, environment.user);
  const content = createContentStore(layout, environment.linkFile);
  const snapshots = createSnapshots(layout, journal, content, environment.clock, environment.linkFile);
  const lock = depotLock(layout);
  const depot: Depot = {
    id,
    layout,
    journal,
    snapshots,
    content,
    change: (verb, work) =>
      holdingLock(lock, verb, environment.clock(), async (cut) => {
        await refuseWithoutLinks(layout, environment.linkFolder);
        await recoverDepot(depot);
        const result = await work(cut);
        await keepReserve(layout.reserve);
        return result;
      }),
    smallChange: async (verb, work) => {
      await spendReserve(layout.reserve);
      return depot.change(verb, work);
    },
    restartJournal: () =>
      holdingLock(lock, 'snapshot verify', environment.clock(), async () => {
        const aside = await journal.restart();
        // The new chain has to account for what is here, or it would look as if its lines were lost.
        await recoverDepot(depot);
        await adoptMarks(depot);
        return aside;
      }),
  };
  return depot;
};
