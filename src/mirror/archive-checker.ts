import { Piscina } from 'piscina';
import { DepotError } from '../domain/errors.ts';
import type { SignatureVerdict } from '../signing/signature.ts';
import type { ArchiveTask, ArchiveVerdict, CheckLimits } from './archive-check.ts';

/** What a check found of a good archive. */
export interface CheckedArchive {
  readonly sha256: string;
  readonly size: number;
  /** Of the signature that was handed over. */
  readonly signature?: SignatureVerdict;
}

/** Checks archives and signatures off the main thread. */
export interface ArchiveChecker {
  /** Throws DepotError ARCHIVE_MISMATCH for an archive that isn't whole or isn't the one that was asked for. */
  check(
    file: string,
    item: { readonly name: string; readonly version: string },
    signature?: string,
  ): Promise<CheckedArchive>;
  close(): Promise<void>;
}

/** At the first check `threads` workers are started. They trust the given armored public keys. */
export function createArchiveChecker(
  threads: number,
  limits: CheckLimits,
  armoredKeys: readonly string[],
): ArchiveChecker {
  // Built code is .js; Node versions that strip types run the .ts as it is.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const start = (): Piscina<ArchiveTask, ArchiveVerdict> =>
    new Piscina({
      filename: new URL(`./archive-worker.${extension}`, import.meta.url).href,
      name: 'checkTask',
      minThreads: threads,
      maxThreads: threads,
      workerData: armoredKeys,
      // The content of archives is outside the JavaScript heap; this bounds what a thread keeps beside it.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    });
  let workers: Piscina<ArchiveTask, ArchiveVerdict> | undefined;
  return {
    async check(file, { name, version }, signature) {
      const task = { file, name, version, limits, ...(signature === undefined ? {} : { signature }) };
      workers ??= start();
      const verdict = await workers.run(task);
      if (verdict.ok) {
        return verdict;
      }
      throw new DepotError('ARCHIVE_MISMATCH', { file: `${name}-${version}.zip`, reason: verdict.reason });
    },
    async close() {
      await workers?.destroy();
    },
  };
}
