import { announce, isOther } from './changes.ts';
import { emptyScan, scanArtifacts, type ArtifactScan } from './scan.ts';
import type { ArtifactStoreOptions } from './store-options.ts';

/** The newest scan, and looking again. */
export interface NewestScan {
  get(): ArtifactScan;
  /** False until the folders were listed for the first time. */
  isListed(): boolean;
  /** One look after the other. Whoever asks gets one that begins after the question, together with others that wait. */
  lookAgain(): Promise<void>;
  /** Keeps the digests of the wanted paths for the next start, false where that can't be: who reads the log is told once. */
  save(isWanted: (path: string) => boolean): Promise<boolean>;
  /** Resolves when nobody looks any more, whatever came of it. */
  ended(): Promise<void>;
  /** Resolves when nobody looks or waits to; rejects where a look has failed. */
  settled(): Promise<void>;
}

/** Nothing is listed before the first look. */
export const createNewestScan = (options: ArtifactStoreOptions): NewestScan => {
  const { policy, memory, checker, log } = options;
  let scan = emptyScan;
  let isListed = false;
  let last: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let failure: string | undefined;

  const save = async (isWanted: (path: string) => boolean): Promise<boolean> => {
    const error = await memory.save(isWanted);
    if (error && error.message !== failure) {
      log.warn(
        { err: error },
        `the digests of artifacts cannot be kept for the next start: ${error.message}`,
      );
    }
    failure = error?.message;
    return error === undefined;
  };
  const look = async (): Promise<void> => {
    const before = scan;
    const isUnsaved = await memory.reload?.();
    scan = await scanArtifacts(options, before);
    const isChanged = !isListed || isOther(before, scan);
    isListed = true;
    if (!checker) {
      if (isUnsaved) {
        options.onStale?.();
      }
      return;
    }
    if (isChanged) {
      announce(before, scan, policy, log);
    }
    // Others follow what is written, so they are told when it is there again, too.
    const isSaved = (isChanged || isUnsaved) && (await save(() => true));
    if (isChanged || isSaved) {
      options.onChange?.();
    }
  };
  return {
    get: () => scan,
    isListed: () => isListed,
    lookAgain: () => {
      waiting ??= last
        .catch(() => undefined)
        .then(() => {
          waiting = undefined;
          last = look();
          return last;
        });
      return waiting;
    },
    save,
    ended: () => last.catch(() => undefined),
    settled: async () => {
      await waiting;
      await last;
    },
  };
};
