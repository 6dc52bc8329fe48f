import { createFindings, type Finding, type Findings } from './finding.ts';
import type { JournalState } from './journal-chain.ts';
import type { JournalLine } from './journal-line.ts';
import type { DepotLayout } from './layout.ts';
import { marksCutShort, marksDiffering, marksTold } from './marks-told.ts';
import type { Marks } from './marks.ts';
import type { SnapshotRecord } from './record.ts';
import { isSwitch } from './succession.ts';

/** What a depot has, to be held against its journal. */
export interface DepotState {
  readonly records: readonly SnapshotRecord[];
  readonly current: string | undefined;
  /** Undefined where the file of marks is damaged. */
  readonly marks: Marks | undefined;
}

const cutRun = 'a run was cut, or somebody else did it; the next change adopts it';

/**
 * Where a whole journal and the depot tell different things. Each change writes the journal at one place between its other
 * steps, so a cut run leaves at most one difference, at the end; anything else was made by somebody, or lines are lost.
 */
export const disagreements = (
  state: JournalState,
  depot: DepotState,
  layout: DepotLayout,
): readonly Finding[] => {
  const { lines } = state;
  const findings = createFindings();
  if (lines.length === 0 && depot.records.length > 0) {
    findings.damage(layout.journal, 'it is missing or empty, but there are snapshots');
    return findings.all;
  }
  compareHead(state, layout, findings);
  compareRecords(lines, depot.records, layout, findings);
  const inForce = lines.findLast(isSwitch)?.snapshot;
  if (depot.current !== undefined && depot.current !== inForce) {
    findings.note(layout.current, `the journal has ${inForce ?? 'nothing'} in force: ${cutRun}`);
  }
  if (depot.marks !== undefined) {
    compareMarks(lines, depot.marks, layout, findings);
  }
  return findings.all;
};

const compareHead = ({ lines, knownLines }: JournalState, layout: DepotLayout, findings: Findings): void => {
  if (lines.length > 0 && knownLines === 0) {
    findings.note(
      layout.journal,
      'without `journal.head` nobody sees whether its end was cut off; the next change makes it',
    );
  } else if (knownLines < lines.length) {
    findings.note(
      layout.journal,
      `\`journal.head\` knows ${knownLines} of its ${lines.length} lines: a run was cut, or somebody else has added the rest`,
    );
  }
};

const compareRecords = (
  lines: readonly JournalLine[],
  records: readonly SnapshotRecord[],
  layout: DepotLayout,
  findings: Findings,
): void => {
  const arrivals = new Map(lines.filter(isArrival).map((line) => [line.snapshot, line]));
  const newestTold = [...arrivals.keys()].map(String).toSorted().at(-1) ?? '';
  const untold = records.filter(({ id }) => !arrivals.has(id));
  for (const { id } of untold) {
    const cut = lines.at(-1)?.action === 'restart' || (untold.length === 1 && id > newestTold);
    findings.tell(
      cut ? 'note' : 'damage',
      layout.recordFile(id),
      `the journal does not tell of this snapshot: ${cut ? cutRun : 'lines of it are lost'}`,
    );
  }
  for (const record of records) {
    const reason = otherOrigin(record, arrivals.get(record.id));
    if (reason !== undefined) {
      findings.damage(layout.recordFile(record.id), reason);
    }
  }
};

const isArrival = ({ action, snapshot }: JournalLine): boolean =>
  snapshot !== undefined && (action === 'import' || action === 'adopt');

const otherOrigin = (record: SnapshotRecord, line: JournalLine | undefined): string | undefined => {
  if (line?.digest !== undefined && line.digest !== record.digest) {
    return 'the journal has another digest for this snapshot: the record was replaced';
  }
  if (line?.action === 'import' && line.bundle !== record.bundle) {
    return `the journal has ${line.bundle ?? 'no'} bundle for this snapshot: the record was changed`;
  }
  // Lines of before say nothing of signers.
  if (line?.signer !== undefined && line.signer !== (record.signer ?? unsigned)) {
    return `the journal has ${line.signer} for its signer: the record was changed`;
  }
  return undefined;
};

/** What the journal says of a bundle that nobody signed. */
export const unsigned = 'unsigned';

const compareMarks = (
  lines: readonly JournalLine[],
  marks: Marks,
  layout: DepotLayout,
  findings: Findings,
): void => {
  const soft = lines[0]?.action === 'restart' || marksCutShort(lines, marks) !== undefined;
  for (const reason of marksDiffering(marksTold(lines), marks)) {
    findings.tell(
      soft ? 'note' : 'damage',
      layout.marks,
      `by the journal ${reason}; \`snapshot pin\`, \`unpin\`, \`label\` and \`unlabel\` set it right`,
    );
  }
};
