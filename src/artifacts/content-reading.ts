import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../telemetry/log.ts';
import type { ContentChecker, PendingContent } from './content-check.ts';
import { rememberContent } from './content-memory.ts';
import type { DigestMemory } from './digest-memory.ts';
import type { FoundFile } from './inventory.ts';
import type { ArtifactScan } from './scan.ts';

/** Reads the contents that the looks at the folders leave pending, one after the other and apart from requests. */
export interface ContentReading {
  /** Begins where something is pending and nothing is being read. */
  start(): void;
  /** Resolves when nothing is being read; rejects with a fault of it. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** What it needs. */
export interface ContentReadingDeps {
  readonly checker: ContentChecker;
  readonly memory: DigestMemory;
  readonly log: Log;
  /** What is known now. */
  scan(): ArtifactScan;
  /** A look that begins after the question. */
  lookAgain(): Promise<void>;
  save(isWanted: (path: string) => boolean): Promise<unknown>;
  /** True where the folders are looked at again by themselves. */
  readonly looksAgain: boolean;
}

/** From this size on a file is left alone while it is still written. */
const largeBytes = 64 * 1024 * 1024;
/** Milliseconds without a change after which a file counts as written. */
const quietTime = 5000;
/** Milliseconds that the clock of a file server may be ahead; a time further ahead says nothing. */
const clockSkew = 60_000;

/** Nothing is read before `start`. */
export const createContentReading = (deps: ContentReadingDeps): ContentReading => {
  const { checker, memory, log, scan, lookAgain, save, looksAgain } = deps;
  const closing = new AbortController();
  let isClosed = false;
  let reading: Promise<void> | undefined;

  // A large file that somebody is copying here would be read again and again, to be wrong each time.
  const isGrowing = ({ size, modifiedAt }: FoundFile): boolean => {
    const age = Date.now() - modifiedAt;
    return looksAgain && size > largeBytes && age < quietTime && age > -clockSkew;
  };
  /** Reads until nothing is pending. A file that can't be read, or changes all the time, waits for the next look. */
  const readAll = async (): Promise<void> => {
    const given = new Set<string>();
    const keyOf = ({ file }: PendingContent): string =>
      `${file.path} ${file.stamp} ${file.changeStamp} ${scan().keys.stamp}`;
    for (;;) {
      const left = scan().pending.filter((one) => !given.has(keyOf(one)));
      if (left.length === 0 || isClosed) {
        break;
      }
      const next = left.filter(({ file }) => !isGrowing(file));
      if (next.length === 0) {
        await wait(quietTime, undefined, { signal: closing.signal }).catch(() => undefined);
      }
      for (const one of next) {
        given.add(keyOf(one));
        await readOne(one);
        if (isClosed) {
          return;
        }
      }
      if (!isClosed) {
        await lookAgain();
      }
    }
    const paths = new Set([...scan().artifacts.keys()].map((path) => path.replace('/downloads/', '')));
    await save((path) => paths.has(path.replace(/#\w+$/, '')));
  };
  // By a clock that nobody sets.
  let lastLook = -Infinity;
  const readOne = async ({ file, task }: PendingContent): Promise<void> => {
    const { keys } = scan();
    try {
      const found = await checker.check(task);
      if (found.stamp === file.stamp) {
        rememberContent(file, task, keys, found, memory);
      }
      log.debug({ 'event.action': 'artifact-read', 'file.path': file.path }, `${file.path} was read`);
    } catch (error) {
      log.warn({ err: error, 'file.path': file.path }, `${file.path} could not be checked`);
    }
    // What is checked is served at once, while others are still read; small files would only cause looks.
    if (performance.now() - lastLook > 1000 && !isClosed) {
      await lookAgain();
      lastLook = performance.now();
    }
  };

  return {
    start: () => {
      if (scan().pending.length === 0 || isClosed) {
        return;
      }
      reading ??= readAll().finally(() => {
        reading = undefined;
      });
      // Whoever waits for it gets its fault; nobody may wait.
      reading.catch((error: unknown) => log.error({ err: error }, 'artifacts could not be checked'));
    },
    settled: async () => {
      await reading;
    },
    close: async () => {
      isClosed = true;
      closing.abort();
      await checker.close();
      await reading?.catch(() => undefined);
    },
  };
};
