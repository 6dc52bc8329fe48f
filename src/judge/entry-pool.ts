import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { ArchiveLimits, PackageRef } from '../source/source.ts';
import type { EntryReport, EntryTask } from './entry-worker.ts';

/** Reads packages whole, every file with its size and CRC-32, on all cores. The server doesn't do that at its start. */
export interface EntryPool {
  /** Reports each package as soon as it was read, in no order. One that ends its worker is reported with that reason. */
  read(
    refs: readonly PackageRef[],
    limits: ArchiveLimits,
    report: (ref: PackageRef, found: EntryReport) => void,
  ): Promise<void>;
}

/** `threads` at most, 0 is one for each core. Threads live for one call of `read`. */
export function createEntryPool(threads: number, heapMegabytes = 384): EntryPool {
  const cores = threads > 0 ? threads : availableParallelism();
  return {
    read: async (refs, limits, report) => {
      if (refs.length === 0) {
        return;
      }
      const pool = new Piscina<EntryTask, EntryReport>({
        filename: new URL('./entry-worker.js', import.meta.url).href,
        minThreads: Math.min(cores, refs.length),
        maxThreads: Math.min(cores, refs.length),
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      });
      const waiting = refs.values();
      const work = async (): Promise<void> => {
        for (const ref of waiting) {
          report(ref, await pool.run({ ref, limits }).catch(failed));
        }
      };
      try {
        await Promise.all(Array.from({ length: cores }, work));
      } finally {
        await pool.destroy();
      }
    },
  };
}

function failed(error: unknown): EntryReport {
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it needs more memory than a reader may have' : message;
  return { reasons: [`reading it failed: ${cause}`], files: 0, bytes: 0, signature: 'none' };
}
