import { DepotError } from '../domain/errors.ts';
import type { ServedFile } from '../source/source.ts';
import type { Artifact } from './artifact.ts';
import { mountsOf } from './mounts.ts';
import { createContentReading } from './content-reading.ts';
import { liesBelow } from './folders.ts';
import { createNewestScan } from './newest-scan.ts';
import { openArtifact } from './open-artifact.ts';
import { isAnyAwaited, isAwaited } from './patience.ts';
import { reportArtifacts, type ArtifactReport } from './report.ts';
import type { ArtifactScan } from './scan.ts';
import type { ArtifactStoreOptions } from './store-options.ts';

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

/** Milliseconds between two looks while a file is awaited that was good until a moment ago. */
const betweenAwaited = 1000;

/** Makes a store; nothing is read before the first `refresh`. */
export const createArtifactStore = (options: ArtifactStoreOptions): ArtifactStore => {
  const { policy, memory, checker, log } = options;
  const mounted = new Set(mountsOf(options.roots));
  const newest = createNewestScan(options);
  const reading =
    checker &&
    createContentReading({
      checker,
      memory,
      log,
      lookAgain: newest.lookAgain,
      save: newest.save,
      scan: newest.get,
      looksAgain: options.interval !== undefined,
    });
  const refresh = async (): Promise<void> => {
    await newest.lookAgain();
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
    const scan = newest.get();
    if (!told || told.of !== scan) {
      told = { of: scan, report: reportArtifacts(scan, policy, newest.isListed()) };
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
          if (isAnyAwaited(newest.get().artifacts.values(), steady())) {
            refreshAlone();
          }
        }, betweenAwaited);
  impatient?.unref();
  return {
    refresh,
    settled: async () => {
      await newest.settled();
      await reading?.settled();
    },
    isListed: newest.isListed,
    find: (path) => newest.get().artifacts.get(path),
    list: () => [...newest.get().artifacts.values()],
    isServed,
    isAwaited: (artifact) => isAwaited(artifact, steady()),
    isLost: (path) => liesBelow(newest.get().lost, path),
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
      await newest.ended();
    },
  };
};
