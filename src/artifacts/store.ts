import { setTimeout as wait } from 'node:timers/promises';
import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { ServedFile } from '../source/source.ts';
import type { Artifact, ArtifactPolicy } from './artifact.ts';
import { mountsOf, type ArtifactRoots } from './collect.ts';
import { announce, isOther } from './changes.ts';
import type { ContentChecker } from './content-check.ts';
import type { DigestMemory } from './digest-memory.ts';
import { rememberContent } from './content-memory.ts';
import { liesBelow } from './folders.ts';
import type { FoundFile } from './inventory.ts';
import { openArtifact } from './open-artifact.ts';
import { reportArtifacts, type ArtifactReport } from './report.ts';
import { emptyScan, scanArtifacts, type ArtifactScan, type PendingContent } from './scan.ts';

/** Everything that agents, fleet-server and Defend download, as it is now. */
export interface ArtifactStore {
  /** Lists the folders again. Resolves when everything is listed and judged by what is known; contents are read later. */
  refresh(): Promise<void>;
  /** Resolves when no content waits to be read. */
  settled(): Promise<void>;
  /** By the decoded path of a request; a look-up, never a file name. */
  find(path: string): Artifact | undefined;
  /** False until the folders were listed for the first time. */
  isListed(): boolean;
  /** In the order of the paths. */
  list(): readonly Artifact[];
  isServed(artifact: Artifact): boolean;
  /** Whether this address belongs to a folder that can't be read now: what is not found there may well exist. */
  isLost(path: string): boolean;
  /** Whether a folder of the settings is served below this path, be it empty. */
  isMounted(path: string): boolean;
  /** Throws ARTIFACT_UNCHECKED where the file was replaced since it was judged. */
  open(artifact: Artifact): Promise<ServedFile>;
  report(): ArtifactReport;
  close(): Promise<void>;
}

/** What a store needs. */
export interface ArtifactStoreOptions {
  readonly roots: ArtifactRoots;
  readonly policy: ArtifactPolicy;
  readonly memory: DigestMemory;
  /** Left out where another process reads contents: its memory is followed, and it tells in the log of what changes. */
  readonly checker?: ContentChecker;
  readonly log: Log;
  /** Milliseconds between two looks at the folders; none where left out. */
  readonly interval?: number;
  /** Called after each change, when the memory has been saved. */
  readonly onChange?: () => void;
  /** Called where a file was found replaced since it was judged. */
  readonly onStale?: () => void;
}

/** From this size on a file is left alone while it is still written. */
const largeBytes = 64 * 1024 * 1024;
/** Milliseconds without a change after which a file counts as written. */
const quietTime = 5000;
/** Milliseconds that the clock of a file server may be ahead; a time further ahead says nothing. */
const clockSkew = 60_000;

/** Makes a store; nothing is read before the first `refresh`. */
export const createArtifactStore = (options: ArtifactStoreOptions): ArtifactStore => {
  const { policy, memory, checker, log } = options;
  const mounted = new Set(mountsOf(options.roots));
  let scan = emptyScan;
  let isListed = false;
  let isClosed = false;
  const closing = new AbortController();
  let reading: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const before = scan;
    await memory.reload?.();
    scan = await scanArtifacts(options, before);
    const isChanged = !isListed || isOther(before, scan);
    isListed = true;
    if (!isChanged) {
      return;
    }
    if (checker) {
      announce(before, scan, policy, log);
      await save(() => true);
    }
    options.onChange?.();
  };
  /** One look after the other. Whoever asks gets one that begins after the question, together with others that wait. */
  const lookAgain = (): Promise<void> => {
    waiting ??= last
      .catch(() => undefined)
      .then(() => {
        waiting = undefined;
        last = look();
        return last;
      });
    return waiting;
  };
  let failure: string | undefined;
  const save = async (isWanted: (path: string) => boolean): Promise<void> => {
    const error = await memory.save(isWanted);
    if (error && error.message !== failure) {
      log.warn(
        { err: error },
        `the digests of artifacts cannot be kept for the next start: ${error.message}`,
      );
    }
    failure = error?.message;
  };
  const refresh = async (): Promise<void> => {
    await lookAgain();
    if (scan.pending.length > 0 && checker && !isClosed) {
      reading ??= readAll(checker).finally(() => {
        reading = undefined;
      });
      // Whoever waits for it gets its fault; nobody may wait.
      reading.catch((error: unknown) => log.error({ err: error }, 'artifacts could not be checked'));
    }
  };

  // A large file that somebody is copying here would be read again and again, to be wrong each time.
  const isGrowing = ({ size, modifiedAt }: FoundFile): boolean => {
    const age = Date.now() - modifiedAt;
    return options.interval !== undefined && size > largeBytes && age < quietTime && age > -clockSkew;
  };
  /** Reads until nothing is pending. A file that can't be read, or changes all the time, waits for the next look. */
  const readAll = async (by: ContentChecker): Promise<void> => {
    const given = new Set<string>();
    const keyOf = ({ file }: PendingContent): string =>
      `${file.path} ${file.stamp} ${file.changeStamp} ${scan.keys.stamp}`;
    for (;;) {
      const left = scan.pending.filter((one) => !given.has(keyOf(one)));
      if (left.length === 0 || isClosed) {
        break;
      }
      const next = left.filter(({ file }) => !isGrowing(file));
      if (next.length === 0) {
        await wait(quietTime, undefined, { signal: closing.signal }).catch(() => undefined);
      }
      for (const one of next) {
        given.add(keyOf(one));
        await readOne(one, by);
        if (isClosed) {
          return;
        }
      }
      if (!isClosed) {
        await lookAgain();
      }
    }
    const paths = new Set([...scan.artifacts.keys()].map((path) => path.replace('/downloads/', '')));
    await save((path) => paths.has(path.replace(/#\w+$/, '')));
  };
  let lastLook = 0;
  const readOne = async ({ file, task }: PendingContent, by: ContentChecker): Promise<void> => {
    const { keys } = scan;
    try {
      const found = await by.check(task);
      if (found.stamp === file.stamp) {
        rememberContent(file, task, keys, found, memory);
      }
      log.debug({ 'event.action': 'artifact-read', 'file.path': file.path }, `${file.path} was read`);
    } catch (error) {
      log.warn({ err: error, 'file.path': file.path }, `${file.path} could not be checked`);
    }
    // What is checked is served at once, while others are still read; small files would only cause looks.
    if (Date.now() - lastLook > 1000 && !isClosed) {
      await lookAgain();
      lastLook = Date.now();
    }
  };
  const isServed = (artifact: Artifact): boolean =>
    artifact.state === 'good' ||
    (policy === 'lenient' && artifact.kind !== 'key' && artifact.kind !== 'other');
  // Asked at each look at /health, but the same until the next change.
  let told: { readonly of: ArtifactScan; readonly report: ArtifactReport } | undefined;
  const report = (): ArtifactReport => {
    if (told?.of !== scan) {
      told = { of: scan, report: reportArtifacts(scan, policy, isListed) };
    }
    return told.report;
  };

  const timer =
    options.interval === undefined
      ? undefined
      : setInterval(() => {
          refresh().catch((error: unknown) =>
            log.error({ err: error }, 'the artifact folders cannot be listed'),
          );
        }, options.interval);
  timer?.unref();
  return {
    refresh,
    settled: async () => {
      await waiting;
      await last;
      await reading;
    },
    isListed: () => isListed,
    find: (path) => scan.artifacts.get(path),
    list: () => [...scan.artifacts.values()],
    isServed,
    isLost: (path) => liesBelow(scan.lost, path),
    isMounted: (path) => mounted.has(path),
    open: async (artifact) => {
      const file = await openArtifact(artifact);
      if (file) {
        return file;
      }
      options.onStale?.();
      await refresh();
      throw new DepotError('ARTIFACT_UNCHECKED');
    },
    report,
    close: async () => {
      isClosed = true;
      closing.abort();
      clearInterval(timer);
      await checker?.close();
      await reading?.catch(() => undefined);
      await last.catch(() => undefined);
    },
  };
};
