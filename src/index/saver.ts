import type { IndexCache } from './index-cache.ts';
import type { KnownPackages } from './known-package.ts';

/** Writes the index soon, but not more often than every few seconds: each write is the whole file. */
export interface Saver {
  save(known: KnownPackages): void;
  /** Writes what waits, at once. False when the last writing failed. */
  flush(): Promise<boolean>;
  /** True where nothing waits to be written; what could not be written waits for the next attempt. */
  isDone(): boolean;
  /** The same as `flush`, for the last time. */
  close(): Promise<boolean>;
}

/**
 * Milliseconds between two writings, and from one that failed to the next: a full disk gets room again. That doubles with each
 * failure, up to sixteen times: a folder that is read-only stays so.
 */
export interface SaverPauses {
  readonly between: number;
  readonly afterFailure: number;
}

const mostDoublings = 4;

export function createSaver(
  cache: IndexCache | undefined,
  { between, afterFailure }: SaverPauses = { between: 5000, afterFailure: 30_000 },
): Saver {
  let waiting: KnownPackages | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<boolean> = Promise.resolve(true);
  let underWay = 0;
  let isClosed = false;
  // By a clock that nobody sets.
  let nextAt = 0;
  let failures = 0;
  const schedule = (): void => {
    timer ??= setTimeout(
      () => {
        timer = undefined;
        void write();
      },
      Math.max(0, nextAt - performance.now()),
    );
  };
  const write = (): Promise<boolean> => {
    const known = waiting;
    waiting = undefined;
    if (known && cache) {
      underWay += 1;
      running = running
        .then(() => cache.save(known))
        .then((isKept) => {
          failures = isKept ? 0 : Math.min(failures + 1, mostDoublings + 1);
          nextAt = performance.now() + (isKept ? between : afterFailure * 2 ** (failures - 1));
          underWay -= 1;
          if (!isKept && !isClosed) {
            waiting ??= known;
            schedule();
          }
          return isKept;
        });
    }
    return running;
  };
  const flush = async (): Promise<boolean> => {
    clearTimeout(timer);
    timer = undefined;
    await running;
    return write();
  };
  return {
    save: (known) => {
      waiting = known;
      schedule();
    },
    flush,
    isDone: () => waiting === undefined && underWay === 0,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      return flush();
    },
  };
}
