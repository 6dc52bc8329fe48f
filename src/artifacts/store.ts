import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { ServedFile } from '../source/source.ts';
import type { Artifact, ArtifactPolicy } from './artifact.ts';
import { mountsOf, type ArtifactRoots } from './mounts.ts';
import { announce, isOther } from './changes.ts';
import type { ContentChecker } from './content-check.ts';
import type { DigestMemory } from './digest-memory.ts';
import { createContentReading } from './content-reading.ts';
import { liesBelow } from './folders.ts';
import { openArtifact } from './open-artifact.ts';
import { isAnyAwaited, isAwaited } from './patience.ts';
import { reportArtifacts, type ArtifactReport } from './report.ts';
import { emptyScan, scanArtifacts, type ArtifactScan } from './scan.ts';

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
  /** Whether a file in quarantine was good until a moment ago, as while a new one is copied over it: it may be good again soon. */
  isAwaited(artifact: Artifact): boolean;
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
  /** Called where a file was found replaced since it was judged, or what is known of all is gone from the memory that is followed. */
  readonly onStale?: () => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds by a clock that nobody sets. */
  readonly steady?: () => number;
}

/** Milliseconds between two looks while a file is awaited that was good until a moment ago. */
const betweenAwaited = 1000;

/** Makes a store; nothing is read before the first `refresh`. */
export const createArtifactStore = (options: ArtifactStoreOptions): ArtifactStore => {
  const { policy, memory, checker, log } = options;
  const mounted = new Set(mountsOf(options.roots));
  let scan = emptyScan;
  let isListed = false;
  let last: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

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
  const reading =
    checker &&
    createContentReading({
      checker,
      memory,
      log,
      lookAgain,
      save,
      scan: () => scan,
      looksAgain: options.interval !== undefined,
    });
  const refresh = async (): Promise<void> => {
    await lookAgain();
    reading?.start();
  };
  const refreshAlone = (): void => {
    refresh().catch((error: unknown) => log.error({ err: error }, 'the artifact folders cannot be listed'));
  };
  const steady = options.steady ?? (() => performance.now());

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

  const timer = options.interval === undefined ? undefined : setInterval(refreshAlone, options.interval);
  timer?.unref();
  // What lies beside a file that was copied comes a moment later, and most likely before the next look.
  const impatient =
    options.interval === undefined
      ? undefined
      : setInterval(() => {
          if (isAnyAwaited(scan.artifacts.values(), steady())) {
            refreshAlone();
          }
        }, betweenAwaited);
  impatient?.unref();
  return {
    refresh,
    settled: async () => {
      await waiting;
      await last;
      await reading?.settled();
    },
    isListed: () => isListed,
    find: (path) => scan.artifacts.get(path),
    list: () => [...scan.artifacts.values()],
    isServed,
    isAwaited: (artifact) => isAwaited(artifact, steady()),
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
      clearInterval(timer);
      clearInterval(impatient);
      await reading?.close();
      await last.catch(() => undefined);
    },
  };
};
