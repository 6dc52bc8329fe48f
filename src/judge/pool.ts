import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { PackageRef } from '../source/source.ts';
import { createBatches, type Batch } from './batches.ts';
import type { Candidate, JudgedPackage, JudgeResult, JudgeRules, JudgeTask, LearnedVerdict } from './task.ts';

/** Judges packages on all cores. */
export interface JudgePool {
  /**
   * Judges the candidates and reports each package as soon as it is known, in no order. A package that ends its worker
   * (memory, time) is reported as broken; the others don't notice. When the signal is aborted it resolves soon, and what
   * was not reported by then never is.
   */
  judge(
    candidates: readonly Candidate[],
    rules: JudgeRules,
    report: (ref: PackageRef, judged: JudgedPackage) => void,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** Sizes of the pool; tests make them small. */
export interface JudgePoolOptions {
  /** Threads at most; 0 is one for each core. */
  readonly threads: number;
  /** Megabytes of JavaScript heap for each thread. */
  readonly heapMegabytes?: number;
  /** Milliseconds that one package may take when it is judged alone. */
  readonly timeout?: number;
}

/** Threads live for one call of `judge`: between builds nothing of them is left in memory. */
export function createJudgePool({
  threads,
  heapMegabytes = 384,
  timeout = 30_000,
}: JudgePoolOptions): JudgePool {
  const cores = threads > 0 ? threads : availableParallelism();
  return {
    judge: async (candidates, rules, report, signal) => {
      if (candidates.length === 0 || signal?.aborted) {
        return;
      }
      const batches = createBatches(candidates);
      const learned = new Map<string, LearnedVerdict[]>();
      const pool = new Piscina<JudgeTask, JudgeResult>({
        filename: new URL('./worker.js', import.meta.url).href,
        minThreads: Math.min(cores, batches.length),
        maxThreads: Math.min(cores, batches.length),
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      });
      const run = async ({ name, candidates: some }: Batch): Promise<readonly JudgedPackage[]> => {
        const task = { candidates: some, rules, verdicts: learned.get(name) ?? [] };
        const result = await pool.run(task, {
          signal: anyOf([AbortSignal.timeout(timeout * some.length), signal]),
        });
        learned.set(name, [...task.verdicts, ...result.learned]);
        return result.judged;
      };
      try {
        // As many at a time as there are threads, so that a batch's time begins when its reading does.
        const waiting = batches.values();
        const work = async (): Promise<void> => {
          for (const batch of waiting) {
            await judgeBatch(batch, run, report, signal);
          }
        };
        await Promise.all(Array.from({ length: cores }, work));
      } finally {
        await pool.destroy();
      }
    },
  };
}

async function judgeBatch(
  batch: Batch,
  run: (batch: Batch) => Promise<readonly JudgedPackage[]>,
  report: (ref: PackageRef, judged: JudgedPackage) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) {
    return;
  }
  let judged: readonly JudgedPackage[];
  try {
    judged = await run(batch);
  } catch (error) {
    if (signal?.aborted) {
      return;
    }
    const [first, ...others] = batch.candidates;
    if (first && others.length === 0) {
      const reasons = [`reading it failed: ${causeOf(error)}`];
      report(first.ref, { isSame: false, digest: undefined, found: undefined, reasons, warnings: [] });
      return;
    }
    // One of them ended the thread: alone each shows whether it was the one.
    for (const candidate of batch.candidates) {
      await judgeBatch({ name: batch.name, candidates: [candidate] }, run, report, signal);
    }
    return;
  }
  for (const [index, { ref }] of batch.candidates.entries()) {
    const one = judged[index];
    if (one) {
      report(ref, one);
    }
  }
}

const anyOf = (signals: readonly (AbortSignal | undefined)[]): AbortSignal =>
  AbortSignal.any(signals.filter((signal) => signal !== undefined));

function causeOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return 'it needs more memory than a reader may have';
  }
  return name === 'AbortError' ? 'it takes too long to read' : message;
}
