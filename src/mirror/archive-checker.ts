import { Piscina } from 'piscina';
import { DepotError } from '../domain/errors.ts';
import type { ArchiveTask, ArchiveVerdict, CheckLimits } from './archive-check.ts';

/** Checks archives off the main thread. */
export interface ArchiveChecker {
  /** Throws DepotError ARCHIVE_MISMATCH for an archive that isn't whole or isn't the one that was asked for. */
  check(
    file: string,
    item: { readonly name: string; readonly version: string },
  ): Promise<{ readonly sha256: string; readonly size: number }>;
  close(): Promise<void>;
}

export function createArchiveChecker(threads: number, limits: CheckLimits): ArchiveChecker {
  // Built code is .js; Node versions that strip types run the .ts as it is.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const workers = new Piscina<ArchiveTask, ArchiveVerdict>({
    filename: new URL(`./archive-worker.${extension}`, import.meta.url).href,
    name: 'checkTask',
    minThreads: threads,
    maxThreads: threads,
    // The content of archives is outside the JavaScript heap; this bounds what a thread keeps beside it.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  });
  return {
    async check(file, { name, version }) {
      const verdict = await workers.run({ file, name, version, limits });
      if (verdict.ok) {
        return verdict;
      }
      throw new DepotError('ARCHIVE_MISMATCH', { file: `${name}-${version}.zip`, reason: verdict.reason });
    },
    close: () => workers.destroy(),
  };
}
