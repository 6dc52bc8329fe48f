import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Depot } from '../../depot/depot.ts';
import { digestOf } from '../../files/digest.ts';
import type { SnapshotFile } from '../../depot/file-list.ts';
import { DepotError } from '../../domain/errors.ts';
import { formatLockFile, type LockFile } from '../../mirror/record/lock-file.ts';
import type { SyncOutcome, SyncReport } from '../../mirror/record/report.ts';
import { originalSignaturePath, signaturePath } from '../../signing/archive-signature.ts';
import { emptyGathering, filesOf } from './gathering.ts';

/** How a depot takes what was fetched. */
export interface DepotSync {
  /** Make a snapshot though something failed. */
  readonly partial: boolean;
  /** For the journal: `sync of lite from https://…`. */
  readonly note: string;
}

/** Stores what is new, makes the snapshot, switches to it, and empties the gathering place. */
export const conclude = async (
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
    await snapshots.relink(await store(depot, wanted, { ...locked, content: lockText }));
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

/** Takes in what the depot hasn't, from the gathering place. Resolves with the digests of contents that were damaged there. */
const store = async (
  depot: Depot,
  wanted: readonly SnapshotFile[],
  lock: SnapshotFile & { readonly content: Uint8Array },
): Promise<ReadonlySet<string>> => {
  const intake = depot.content.intake();
  const repaired = new Set<string>();
  for (const file of wanted) {
    const source = join(depot.layout.gathering, file.path);
    const stored = await stateOf(depot, file, source);
    if (stored !== 'whole') {
      await intake.takeFile(file, source, (reason) => changed(source, reason));
    }
    if (stored === 'damaged') {
      repaired.add(file.sha256);
    }
  }
  await intake.take(lock, once(lock.content), (reason) => changed(lock.path, reason));
  await intake.finish();
  return repaired;
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
