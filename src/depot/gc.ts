import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { withoutModes } from '../files/folder.ts';
import { isThere, refuseUnwritable } from '../files/place.ts';
import { refuseLocked } from '../files/run-lock.ts';
import { depotLock } from './depot-lock.ts';
import type { Depot } from './depot.ts';
import { diskError } from './disk-error.ts';
import type { DepotLayout } from './layout.ts';
import { marksTold } from './marks-told.ts';
import { readMarks, type Marks } from './marks.ts';
import { soundJournal } from './vouching.ts';

/** What gc would do, or did. */
export interface GcPlan {
  /** Snapshots that go, oldest first. */
  readonly removed: readonly string[];
  /** Snapshots that stay and why: `current`, `pinned`, `label NAME`, `one of the newest N`. */
  readonly kept: readonly { readonly id: string; readonly why: readonly string[] }[];
  /** Contents that no remaining snapshot has (also of imports that were cut). */
  readonly contents: readonly string[];
  /** Bytes that the file system gets back: a file counts only if we remove its last name. */
  readonly freedBytes: number;
}

/**
 * Works out what `gc` would do, without the lock. Throws DEPOT_LOCKED where a run is at work, since what it has stored has no
 * snapshot yet and would look like garbage, and JOURNAL_BROKEN as `gc` itself would.
 */
export const previewGc = async (depot: Depot, keep: number): Promise<GcPlan> => {
  const stored = await depot.content.list();
  // In this order: a run that has stored some of these is either still at work here, or its snapshot is there below.
  await refuseLocked(depotLock(depot.layout));
  await soundJournal(depot.layout);
  return planGc(depot, keep, stored);
};

/** Works out what may go. `keep` is how many of the newest snapshots stay in any case (at least 1). Changes nothing. Needs the lock. */
export const planGc = async (depot: Depot, keep: number, stored?: readonly string[]): Promise<GcPlan> => {
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new DepotError('USAGE', { reason: '--keep takes a number from 1' });
  }
  const { snapshots, layout } = depot;
  // Also one whose folder somebody took away: its contents are all that it can be put right from.
  const ids = await snapshots.recorded();
  const current = await snapshots.current();
  const marks = await readMarks(layout.marks);
  // What either the marks or the journal keeps is kept: marks that lost a pin must not cost the snapshot.
  const told = marksTold((await depot.journal.read()).lines);
  const newest = new Set(ids.slice(-keep));
  const judged = ids.map((id) => ({
    id,
    why: [
      ...(id === current ? ['current'] : []),
      ...(marks.pins.includes(id) || told.pins.includes(id) ? ['pinned'] : []),
      ...labelsOf(id, marks, told).map((label) => `label ${label}`),
      ...(newest.has(id) ? [`one of the newest ${keep}`] : []),
    ],
  }));
  const kept = judged.filter((one) => one.why.length > 0);
  const removed = judged.filter((one) => one.why.length === 0).map((one) => one.id);

  const needed = await contentsOf(
    depot,
    kept.map((one) => one.id),
  );
  const contents = (stored ?? (await depot.content.list())).filter((digest) => !needed.has(digest));
  const freedBytes = await freedBy([
    ...(await Promise.all(removed.map((id) => filesBelow(layout.snapshotFolder(id))))).flat(),
    ...contents.map((digest) => layout.contentFile(digest)),
  ]);
  return { removed, kept, contents, freedBytes };
};

/** Removes what the plan names, with the lock held: first in the journal, then out of sight by a rename, then for good. */
export const collectGarbage = async (depot: Depot, keep: number): Promise<GcPlan> => {
  const plan = await planGc(depot, keep);
  if (plan.removed.length === 0 && plan.contents.length === 0) {
    return plan;
  }
  const { layout } = depot;
  for (const id of plan.removed) {
    // Of another user, for instance: the journal must not say that it has gone.
    if (await isThere(layout.snapshotFolder(id))) {
      await refuseUnwritable(layout.snapshotFolder(id));
    }
  }
  for (const id of plan.removed) {
    const { digest } = await depot.snapshots.record(id).catch(() => ({ digest: undefined }));
    await depot.journal.append({ action: 'gc', snapshot: id, ...(digest === undefined ? {} : { digest }) });
  }
  await depot.journal.append({
    action: 'gc',
    note: `${countOf(plan.removed.length, 'snapshot')}, ${countOf(plan.contents.length, 'content')}, ${plan.freedBytes} bytes`,
  });
  try {
    for (const id of plan.removed) {
      await removeSnapshot(layout, id);
    }
    for (const digest of plan.contents) {
      await rm(layout.contentFile(digest), { force: true });
    }
  } catch (error) {
    throw diskError(layout.root, error);
  }
  return plan;
};

const removeSnapshot = async (layout: DepotLayout, id: string): Promise<void> => {
  const aside = path.join(layout.temporary, `gone.${id}`);
  const wasThere = await rename(layout.snapshotFolder(id), aside).then(() => true, absent);
  await rm(layout.recordFile(id), { force: true });
  if (wasThere) {
    await chmod(aside, 0o755).catch(withoutModes);
  }
  await rm(aside, { recursive: true, force: true });
};

const contentsOf = async ({ snapshots }: Depot, ids: readonly string[]): Promise<ReadonlySet<string>> => {
  const contents = new Set<string>();
  for (const id of ids) {
    const { files } = await snapshots.record(id);
    files.forEach((file) => contents.add(file.sha256));
  }
  return contents;
};

const labelsOf = (id: string, ...marks: readonly Marks[]): string[] => [
  ...new Set(
    marks.flatMap(({ labels }) => [...labels].filter(([, of]) => of === id).map(([label]) => label)),
  ),
];

const freedBy = async (files: readonly string[]): Promise<number> => {
  const inodes = new Map<string, { names: number; links: number; size: number }>();
  for (const file of files) {
    const found = await lstat(file).catch(absent);
    if (found === false) {
      continue;
    }
    const key = `${found.dev}:${found.ino}`;
    const known = inodes.get(key);
    inodes.set(key, { names: (known?.names ?? 0) + 1, links: found.nlink, size: found.size });
  }
  return [...inodes.values()].filter((one) => one.names >= one.links).reduce((sum, one) => sum + one.size, 0);
};

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent);
  return (entries === false ? [] : entries)
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
};

/** What somebody else has removed meanwhile, or before, needs no removing. */
const absent = (error: unknown): false => {
  if (errnoOf(error) === 'ENOENT') {
    return false;
  }
  throw error;
};
