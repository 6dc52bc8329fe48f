import type { IndexCache } from './index-cache.ts';
import type { KnownPackages } from './known-package.ts';

/** Writes the index soon, but not more often than every few seconds: each write is the whole file. */
export interface Saver {
  save(known: KnownPackages): void;
  /** Writes what waits, at once. False when the last writing failed. */
  flush(): Promise<boolean>;
}

const pause = 5000;

export function createSaver(cache: IndexCache | undefined): Saver {
  let waiting: KnownPackages | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<boolean> = Promise.resolve(true);
  // By a clock that nobody sets.
  let lastEnd = -pause;
  const write = (): Promise<boolean> => {
    const known = waiting;
    waiting = undefined;
    if (known && cache) {
      running = running.then(() => cache.save(known)).finally(() => (lastEnd = performance.now()));
    }
    return running;
  };
  return {
    save: (known) => {
      waiting = known;
      timer ??= setTimeout(
        () => {
          timer = undefined;
          void write();
        },
        Math.max(0, lastEnd + pause - performance.now()),
      );
    },
    flush: async () => {
      clearTimeout(timer);
      timer = undefined;
      await running;
      return write();
    },
  };
}
