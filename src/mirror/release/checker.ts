import { createThreadPool } from '../../threads/thread-pool.ts';
import type { SignatureVerdict } from '../../signing/signature.ts';

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
  const pool = createThreadPool<ReleaseTask, ReleaseContent>(
    new URL('./release-worker.js', import.meta.url),
    { threads, heapMegabytes: 256 },
  );
  return { check: pool.run, close: pool.close };
};
