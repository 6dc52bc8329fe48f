import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { countOf } from '../domain/count.ts';
import { messageOf } from '../domain/errors.ts';
import type { InspectedContents } from './content-inspection.ts';
import type { Depot } from './depot.ts';
import type { Findings } from './finding.ts';
import { checkFolder } from './folder-check.ts';
import type { JournalState } from './journal-chain.ts';
import type { JournalLine } from './journal-line.ts';
import type { DepotLayout } from './layout.ts';
import type { SnapshotRecord } from './record.ts';
import { isSnapshotId } from './snapshot-id.ts';

/** What there is of snapshots. */
export interface InspectedSnapshots {
  readonly ids: readonly string[];
  /** Those that can be read. */
  readonly records: readonly SnapshotRecord[];
}

/** Holds each snapshot's folder against its record, and the contents against all records; tells of what is no snapshot, or no longer. */
export const inspectSnapshots = async (
  { layout, snapshots }: Depot,
  state: JournalState,
  contents: InspectedContents,
  findings: Findings,
  signal?: AbortSignal,
): Promise<InspectedSnapshots> => {
  const ids = await snapshots.ids();
  const records: SnapshotRecord[] = [];
  for (const id of ids) {
    try {
      const record = await snapshots.record(id);
      records.push(record);
      await inspectFolder(layout, record, contents, findings);
    } catch (error) {
      signal?.throwIfAborted();
      findings.damage(layout.snapshotFolder(id), messageOf(error));
    }
  }
  for (const name of await readdir(layout.records)) {
    const id = name.replace(/\.json$/, '');
    if (!isSnapshotId(id) || ids.includes(id)) {
      continue;
    }
    if (state.fault !== undefined || isTold(state.lines, id)) {
      findings.damage(layout.snapshotFolder(id), 'its folder is missing, its record is there');
    } else {
      findings.note(layout.recordFile(id), 'it has no snapshot: a run was cut; the next change removes it');
    }
  }
  for (const name of await readdir(layout.snapshots)) {
    if (!ids.includes(name)) {
      findings.note(path.join(layout.snapshots, name), 'it is no snapshot of this depot');
    }
  }
  return { ids, records };
};

const inspectFolder = async (
  layout: DepotLayout,
  { id, files }: SnapshotRecord,
  { stored, digestOf }: InspectedContents,
  findings: Findings,
): Promise<void> => {
  const folder = layout.snapshotFolder(id);
  for (const one of await checkFolder(folder, files, digestOf)) {
    findings.damage(path.join(folder, one.path), one.reason);
  }
  const lost = files.filter((file) => !stored.has(file.sha256));
  if (lost.length > 0) {
    findings.damage(layout.content, `snapshot ${id} lacks ${countOf(lost.length, 'content')}`);
  }
};

/** Whether the journal has a snapshot come and not go. */
const isTold = (lines: readonly JournalLine[], id: string): boolean => {
  const last = lines.findLast(({ action, snapshot }) => snapshot === id && arriveOrGo.has(action));
  return last !== undefined && last.action !== 'gc';
};

const arriveOrGo: ReadonlySet<string> = new Set(['import', 'adopt', 'gc']);
