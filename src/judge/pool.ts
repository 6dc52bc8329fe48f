import { availableParallelism, totalmem } from 'node:os';
import type { DepotError } from '../domain/errors.ts';
import type { PackageRef } from '../source/source.ts';
import { runLane } from './lane.ts';
import { createPlan } from './plan.ts';
import { startReader, type ReaderProcess } from './reader-process.ts';
import type { Candidate, JudgedPackage, JudgeRules } from './task.ts';

/** Judges packages in processes of their own. */
export interface JudgePool {
  /**
   * Judges the candidates and reports each package as soon as it is known, in no order. A package that ends its reader
   * (memory, time) is reported as broken; the others don't notice. When the signal is aborted it resolves soon, and what
   * was not reported by then never is. Where fewer processes can be started than there should be, those do all; rejects where none can.
   */
  judge(
    candidates: readonly Candidate[],
    rules: JudgeRules,
    report: (ref: PackageRef, judged: JudgedPackage) => void,
    options?: JudgeOptions,
  ): Promise<void>;
}

/** How a set of packages is judged. */
export interface JudgeOptions {
  readonly signal?: AbortSignal;
  /** True while something is served: fewer readers, that yield to everything else. */
  readonly isGentle?: boolean;
}

/** Sizes of the pool; tests make them small. */
export interface JudgePoolOptions {
  /** Processes at most; 0 is one for each core, as far as memory allows. */
  readonly readers: number;
  /** Megabytes of JavaScript heap for each of them. */
  readonly heapMegabytes?: number;
  /** Milliseconds that one package may take. */
  readonly timeout?: number;
}

/** To start a process takes as long as to judge so many packages. */
const worthOne = 16;
const readerMemory = 192 * 1024 * 1024;

/** Processes live for one call of `judge`: between builds nothing of them is left in memory. */
export function createJudgePool({
  readers,
  heapMegabytes = 384,
  timeout = 30_000,
}: JudgePoolOptions): JudgePool {
  const most = readers > 0 ? readers : Math.min(availableParallelism(), affordable());
  return {
    judge: async (candidates, rules, report, { signal, isGentle = false } = {}) => {
      const plan = createPlan(candidates);
      const start = (): ReaderProcess => startReader({ rules, heapMegabytes, timeout, isGentle });
      const allowed = isGentle ? Math.ceil(most / 2) : most;
      const lanes = Math.min(allowed, Math.ceil(candidates.length / worthOne));
      const ended = new AbortController();
      const end = (): void => ended.abort();
      // Not AbortSignal.any: a signal that lives as long as the server would keep a trace of each call.
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted === true) {
        end();
      }
      let count = 0;
      const reportOne: typeof report = (ref, judged) => {
        count += 1;
        report(ref, judged);
      };
      const run = async (width: number): Promise<DepotError | undefined> => {
        const work = Array.from({ length: width }, () =>
          runLane({ plan, start, report: reportOne, signal: ended.signal }),
        );
        try {
          return (await Promise.all(work)).find((fault) => fault !== undefined);
        } catch (error) {
          end();
          await Promise.allSettled(work);
          throw error;
        }
      };
      try {
        let fault = await run(lanes);
        // What one that couldn't be started gave back may have come too late for the others: one of them goes on alone.
        for (let before = 0; fault && !plan.isEmpty() && count > before && !ended.signal.aborted;) {
          before = count;
          fault = await run(1);
        }
        if (fault && !plan.isEmpty() && !ended.signal.aborted) {
          throw fault;
        }
      } finally {
        signal?.removeEventListener('abort', end);
      }
    },
  };
}

/** Memory decides where a container has many cores and little of it. */
function affordable(): number {
  const limit = process.constrainedMemory();
  return Math.max(1, Math.floor((limit > 0 ? Math.min(limit, totalmem()) : totalmem()) / readerMemory));
}
