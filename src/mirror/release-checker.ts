import { Piscina } from 'piscina';
import type { SignatureVerdict } from '../signing/signature.ts';

/** A large file that is to be read once. Plain data: it is sent to a worker thread. */
export interface ReleaseTask {
  readonly path: string;
  /** Armored; verified with `keys`. */
  readonly signature?: string;
  /** Armored public keys. */
  readonly keys: readonly string[];
}

/** What reading found. */
export interface ReleaseContent {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sha512: string;
  /** The first bytes. */
  readonly beginning: Uint8Array;
  readonly verdict?: SignatureVerdict;
}

/** Reads large files in threads of their own. */
export interface ReleaseChecker {
  /** Rejects where the file can't be read. */
  check(task: ReleaseTask): Promise<ReleaseContent>;
  close(): Promise<void>;
}

/** Threads start with the first file. */
export const createReleaseChecker = (threads: number): ReleaseChecker => {
  let pool: Piscina<ReleaseTask, ReleaseContent> | undefined;
  return {
    check: (task) => {
      pool ??= new Piscina<ReleaseTask, ReleaseContent>({
        filename: new URL('./release-worker.js', import.meta.url).href,
        minThreads: 0,
        maxThreads: threads,
        idleTimeout: 5000,
        resourceLimits: { maxOldGenerationSizeMb: 256 },
      });
      return pool.run(task);
    },
    close: async () => {
      await pool?.destroy();
      pool = undefined;
    },
  };
};
