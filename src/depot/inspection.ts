import { DepotError } from '../domain/errors.ts';
import { refuseLocked } from '../files/run-lock.ts';
import { disagreements } from './agreement.ts';
import { inspectContents } from './content-inspection.ts';
import { depotLock } from './depot-lock.ts';
import type { Depot } from './depot.ts';
import { createFindings, type Finding, type Findings } from './finding.ts';
import type { JournalState } from './journal-chain.ts';
import type { DepotLayout } from './layout.ts';
import { readMarks } from './marks.ts';
import { inspectSnapshots } from './snapshot-inspection.ts';

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
  const { layout } = depot;
  const findings = createFindings();
  const state = await depot.journal.read();
  tellOfJournal(state, layout, findings);
  const contents = await inspectContents(depot, findings, progress, signal);
  const { ids, records } = await inspectSnapshots(depot, state, contents, findings, signal);

  const unlessDamaged = <T>(work: Promise<T>): Promise<T | undefined> =>
    work.catch((error: unknown) => {
      if (!(error instanceof DepotError)) {
        throw error;
      }
      findings.damage(layout.root, error.message);
      return undefined;
    });
  const current = await unlessDamaged(inspectCurrent(depot, ids, findings));
  const marks = await unlessDamaged(readMarks(layout.marks));
  const differing =
    state.fault === undefined ? disagreements(state, { records, current, marks }, layout) : [];
  return {
    findings: [...findings.all, ...differing],
    snapshots: ids.length,
    contents: contents.stored.size,
    bytes: contents.bytes(),
  };
};

const tellOfJournal = (
  { fault, tornBytes }: JournalState,
  { journal }: DepotLayout,
  findings: Findings,
): void => {
  if (fault !== undefined) {
    findings.damage(journal, `line ${fault.line}: ${fault.reason}`);
  }
  if (tornBytes > 0) {
    findings.note(
      journal,
      `the last line is torn (${tornBytes} bytes), as a crash leaves it; the next change cuts it off`,
    );
  }
};

const inspectCurrent = async (
  { snapshots, layout }: Depot,
  ids: readonly string[],
  findings: Findings,
): Promise<string | undefined> => {
  const id = await snapshots.current();
  if (id === undefined && ids.length > 0) {
    findings.damage(layout.current, 'it is missing; `snapshot rollback ID` sets it');
  }
  if (id !== undefined && !ids.includes(id)) {
    findings.damage(layout.current, `it points to ${id}, which is not there`);
  }
  return id;
};
