import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { DepotError, messageOf } from '../domain/errors.ts';
import { disagreements, type Finding } from './agreement.ts';
import type { Depot } from './depot.ts';
import { digestFile } from '../files/digest.ts';
import { reasonOf } from '../files/errno.ts';
import { checkFolder } from './folder-check.ts';
import type { JournalLine } from './journal-line.ts';
import { readMarks } from './marks.ts';
import type { SnapshotRecord } from './record.ts';
import { depotLock } from './depot-lock.ts';
import { refuseLocked } from '../files/run-lock.ts';
import { isSnapshotId } from './snapshot-id.ts';

/** What an inspection saw. */
export interface Inspection {
  readonly findings: readonly Finding[];
  readonly snapshots: number;
  readonly contents: number;
  /** Bytes that were read and hashed. */
  readonly bytes: number;
}

/**
 * Checks a whole depot without changing it: the journal's chain, each record against its own digest and the journal's,
 * each snapshot's folder against its record, every byte of content against its digest. Needs no lock: where a run changed the
 * depot meanwhile, what looks like damage is looked at again.
 */
export const inspectDepot = async (
  depot: Depot,
  progress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<Inspection> => {
  for (let attempt = 1; ; attempt += 1) {
    const before = await stateOf(depot);
    const inspection = await inspectOnce(depot, progress, signal);
    const after = await stateOf(depot);
    const isSteady = before.isFree && after.isFree && before.head === after.head;
    if (isSteady || inspection.findings.every((one) => one.severity !== 'damage')) {
      return inspection;
    }
    if (attempt === attempts) {
      const reason =
        'a run was at work here meanwhile: what is called damage may be half of its change; check again when it is over';
      return {
        ...inspection,
        findings: [...inspection.findings, { severity: 'note', path: depot.layout.root, reason }],
      };
    }
  }
};

/** How often is looked while others change what is looked at. */
const attempts = 3;

/** How far the journal is, and whether nobody is about to change something. */
const stateOf = async ({
  journal,
  layout,
}: Depot): Promise<{ readonly head: string; readonly isFree: boolean }> => {
  const isFree = await refuseLocked(depotLock(layout)).then(
    () => true,
    () => false,
  );
  return { head: (await journal.read()).head, isFree };
};

const inspectOnce = async (
  depot: Depot,
  progress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<Inspection> => {
  const findings: Finding[] = [];
  const damage = (file: string, reason: string): void =>
    void findings.push({ severity: 'damage', path: file, reason });
  const note = (file: string, reason: string): void =>
    void findings.push({ severity: 'note', path: file, reason });
  const { layout, snapshots } = depot;
  let bytes = 0;

  const state = await depot.journal.read();
  if (state.fault !== undefined) {
    damage(layout.journal, `line ${state.fault.line}: ${state.fault.reason}`);
  }
  if (state.tornBytes > 0) {
    note(
      layout.journal,
      `the last line is torn (${state.tornBytes} bytes), as a crash leaves it; the next change cuts it off`,
    );
  }
  const inodes = new Map<string, string>();
  const sizes = new Map<string, number>();
  const contents = await depot.content.list();
  const stored = new Set(contents);
  for (const digest of contents) {
    const file = layout.contentFile(digest);
    try {
      const [found, stats] = [await digestFile(file, signal), await lstat(file)];
      bytes += found.size;
      progress(bytes);
      inodes.set(`${stats.dev}:${stats.ino}`, found.sha256);
      sizes.set(digest, found.size);
      if (found.sha256 !== digest) {
        damage(file, `its SHA-256 is ${found.sha256}`);
      }
    } catch (error) {
      signal?.throwIfAborted();
      damage(file, `it can't be read: ${reasonOf(error)}`);
    }
  }

  // Of a file that is a content by a hard link, the bytes were read above.
  const digestOf = async (file: string): Promise<string> => {
    const stats = await lstat(file);
    const linked = inodes.get(`${stats.dev}:${stats.ino}`);
    if (linked !== undefined) {
      return linked;
    }
    progress((bytes += stats.size));
    return (await digestFile(file, signal)).sha256;
  };
  const inspectFolder = async (record: SnapshotRecord): Promise<void> => {
    const folder = layout.snapshotFolder(record.id);
    for (const one of await checkFolder(folder, record.files, digestOf)) {
      damage(path.join(folder, one.path), one.reason);
    }
    const lost = record.files.filter((file) => !stored.has(file.sha256));
    if (lost.length > 0) {
      damage(layout.content, `${lost.length} contents of snapshot ${record.id} are missing`);
    }
  };

  const ids = await snapshots.ids();
  const records: SnapshotRecord[] = [];
  for (const id of ids) {
    try {
      const record = await snapshots.record(id);
      records.push(record);
      await inspectFolder(record);
    } catch (error) {
      signal?.throwIfAborted();
      damage(layout.snapshotFolder(id), messageOf(error));
    }
  }
  for (const name of await readdir(layout.records)) {
    const id = name.replace(/\.json$/, '');
    if (isSnapshotId(id) && !ids.includes(id)) {
      if (state.fault !== undefined || isTold(state.lines, id)) {
        damage(layout.snapshotFolder(id), 'its folder is missing, its record is there');
      } else {
        note(layout.recordFile(id), 'it has no snapshot: a run was cut; the next change removes it');
      }
    }
  }
  for (const name of await readdir(layout.snapshots)) {
    if (!ids.includes(name)) {
      note(path.join(layout.snapshots, name), 'it is no snapshot of this depot');
    }
  }
  const trying = async <T>(work: Promise<T>): Promise<T | undefined> =>
    work.catch((error: unknown) => {
      if (!(error instanceof DepotError)) {
        throw error;
      }
      damage(layout.root, error.message);
      return undefined;
    });
  const current = await trying(
    snapshots.current().then((id) => {
      if (id === undefined && ids.length > 0) {
        damage(layout.current, 'it is missing; `snapshot rollback ID` sets it');
      }
      if (id !== undefined && !ids.includes(id)) {
        damage(layout.current, `it points to ${id}, which is not there`);
      }
      return id;
    }),
  );
  const marks = await trying(readMarks(layout.marks));
  if (state.fault === undefined) {
    findings.push(...disagreements(state, { records, current, marks }, layout));
  }
  return { findings, snapshots: ids.length, contents: contents.length, bytes };
};

/** Whether the journal has a snapshot come and not go. */
const isTold = (lines: readonly JournalLine[], id: string): boolean => {
  const last = lines.findLast(({ action, snapshot }) => snapshot === id && arriveOrGo.has(action));
  return last !== undefined && last.action !== 'gc';
};

const arriveOrGo: ReadonlySet<string> = new Set(['import', 'adopt', 'gc']);
