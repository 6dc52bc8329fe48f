import { DepotError } from '../domain/errors.ts';
import type { PackageRef } from '../source/source.ts';
import type { Plan, PlannedName } from './plan.ts';
import { ReaderFault, type ReaderProcess } from './reader-process.ts';
import type { Candidate, JudgedPackage } from './task.ts';

/** What one reader's share of the work needs. */
export interface LaneOptions {
  readonly plan: Plan;
  start(): ReaderProcess;
  report(ref: PackageRef, judged: JudgedPackage): void;
  readonly signal: AbortSignal;
}

interface Sent {
  readonly candidate: Candidate;
  readonly judged: Promise<JudgedPackage>;
}

/** So many are sent ahead that a reader never waits for the next one. */
const ahead = 3;

/**
 * Keeps one reader busy until the plan has nothing left. One that dies is replaced, and what it had is judged again. Where none can be
 * started, the plan gets back what this lane had, and the answer is why.
 */
export async function runLane({ plan, start, report, signal }: LaneOptions): Promise<DepotError | undefined> {
  const sent: Sent[] = [];
  const again: Candidate[] = [];
  let name: PlannedName | undefined;
  let reader: ReaderProcess | undefined;
  const next = (): Candidate | undefined => {
    const lost = again.shift();
    if (lost || signal.aborted) {
      return lost;
    }
    const taken = plan.take(name);
    name = taken?.name;
    return taken?.candidate;
  };
  const hand = (candidate: Candidate): Sent => {
    reader ??= start();
    const judged = reader.judge(candidate);
    // It is awaited in its turn; until then its failure is nobody's.
    judged.catch(() => undefined);
    return { candidate, judged };
  };
  const endReader = async (): Promise<void> => {
    await reader?.end();
    reader = undefined;
  };
  /** A fault where its reader has died. */
  const wait = async ({ judged }: Sent): Promise<JudgedPackage | ReaderFault | DepotError> =>
    judged.catch((error: unknown) => {
      if (error instanceof ReaderFault || isNotStarted(error)) {
        return error;
      }
      throw error;
    });
  const abort = (): void => void endReader();
  signal.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      for (let candidate; sent.length < ahead && (candidate = next());) {
        sent.push(hand(candidate));
      }
      const first = sent.shift();
      if (!first) {
        return undefined;
      }
      let found = await wait(first);
      if (found instanceof Error) {
        again.unshift(...sent.splice(0).map(({ candidate }) => candidate));
        await endReader();
        if (signal.aborted) {
          return undefined;
        }
        // It may be what all of them together took: alone it shows whether it was the one.
        found = await wait(hand(first.candidate));
      }
      if (signal.aborted) {
        return undefined;
      }
      if (found instanceof DepotError) {
        plan.giveBack([first.candidate, ...again]);
        return found;
      }
      if (found instanceof ReaderFault) {
        await endReader();
        found = brokenBy(found);
      }
      report(first.candidate.ref, found);
    }
  } finally {
    signal.removeEventListener('abort', abort);
    await endReader();
  }
}

const isNotStarted = (error: unknown): error is DepotError =>
  error instanceof DepotError && error.code === 'READER_NOT_STARTED';

const brokenBy = ({ message }: ReaderFault): JudgedPackage => ({
  isSame: false,
  digest: undefined,
  found: undefined,
  reasons: [`reading it failed: ${message}`],
  warnings: [],
});
