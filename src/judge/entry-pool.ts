import { availableParallelism } from 'node:os';
import type { ArchiveLimits, PackageRef } from '../source/source.ts';
import { createThreadPool } from '../threads/thread-pool.ts';
import type { EntryReport, EntryTask } from './entry-worker.ts';

/** Reads packages whole, every file with its size and CRC-32, on all cores. The server doesn't do that at its start. */
export interface EntryPool {
  /**
   * Reports each package as soon as it was read, in no order. One that ends its worker is reported with that reason. When the
   * signal is aborted it resolves soon, and what was not reported by then never is.
   */
  read(
    refs: readonly PackageRef[],
    limits: ArchiveLimits,
    report: (ref: PackageRef, found: EntryReport) => void,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** `threads` at most, 0 is one for each core. Threads live for one call of `read`. */
export function createEntryPool(threads: number, heapMegabytes = 384): EntryPool {
  const cores = threads > 0 ? threads : availableParallelism();
  return {
    read: async (refs, limits, report, signal) => {
      const width = Math.min(cores, refs.length);
      const pool = createThreadPool<EntryTask, EntryReport>(new URL('./entry-worker.js', import.meta.url), {
        threads: Math.max(width, 1),
        heapMegabytes,
      });
      const waiting = refs.values();
      const isStopped = (): boolean => signal?.aborted === true;
      const work = async (): Promise<void> => {
        for (const ref of waiting) {
          if (isStopped()) {
            return;
          }
          const found = await pool.run({ ref, limits }).catch(failed);
          if (!isStopped()) {
            report(ref, found);
          }
        }
      };
      // Tasks that run reject then, and their lanes see why.
      const stop = (): void => void pool.close();
      signal?.addEventListener('abort', stop, { once: true });
      try {
        await Promise.all(Array.from({ length: width }, work));
      } finally {
        signal?.removeEventListener('abort', stop);
        await pool.close();
      }
    },
  };
}

function failed(error: unknown): EntryReport {
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it needs more memory than a reader may have' : message;
  return { reasons: [`reading it failed: ${cause}`], files: 0, bytes: 0, signature: 'none' };
}
