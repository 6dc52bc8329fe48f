import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { PackageRef } from '../source/source.ts';
import type { Candidate, JudgedPackage, JudgeRules, JudgeTask } from './task.ts';

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

const batchSize = 24;

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
      const pool = new Piscina<JudgeTask, JudgedPackage[]>({
        filename: new URL('./worker.js', import.meta.url).href,
        minThreads: Math.min(cores, batches.length),
        maxThreads: Math.min(cores, batches.length),
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      });
      const run = async (batch: readonly Candidate[]): Promise<JudgedPackage[]> =>
        pool.run(
          { candidates: batch, rules },
          { signal: anyOf([AbortSignal.timeout(timeout * batch.length), signal]) },
        );
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
  batch: readonly Candidate[],
  run: (batch: readonly Candidate[]) => Promise<JudgedPackage[]>,
  report: (ref: PackageRef, judged: JudgedPackage) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) {
    return;
  }
  let judged: JudgedPackage[];
  try {
    judged = await run(batch);
  } catch (error) {
    if (signal?.aborted) {
      return;
    }
    if (batch.length === 1 && batch[0]) {
      const reasons = [`reading it failed: ${causeOf(error)}`];
      report(batch[0].ref, { isSame: false, digest: undefined, found: undefined, reasons, warnings: [] });
      return;
    }
    // One of them ended the thread: alone each shows whether it was the one.
    for (const candidate of batch) {
      await judgeBatch([candidate], run, report, signal);
    }
    return;
  }
  for (const [index, { ref }] of batch.entries()) {
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

/** Versions of one name share most of their files, so they go to one thread together; the largest names go first. */
function createBatches(candidates: readonly Candidate[]): Candidate[][] {
  const byName = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const name = likelyName(candidate.ref);
    const list = byName.get(name);
    if (list) {
      list.push(candidate);
    } else {
      byName.set(name, [candidate]);
    }
  }
  const weight = (list: readonly Candidate[]): number => list.reduce((sum, { ref }) => sum + ref.size, 0);
  return [...byName.values()]
    .toSorted((a, b) => weight(b) - weight(a))
    .flatMap((list) =>
      Array.from({ length: Math.ceil(list.length / batchSize) }, (_, at) =>
        list.slice(at * batchSize, (at + 1) * batchSize),
      ),
    );
}

/** `nginx` of `some/where/nginx-1.2.3.zip` and of `nginx/1.2.3`: a guess that costs nothing when it is wrong. */
function likelyName({ kind, label }: PackageRef): string {
  const start = kind === 'zip' ? label.lastIndexOf('/') + 1 : 0;
  return label.slice(start).split(kind === 'zip' ? '-' : '/', 1)[0] ?? '';
}
