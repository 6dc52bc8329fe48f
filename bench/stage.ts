import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBare, type Bare } from './bare.ts';
import type { Corpus } from './corpus.ts';
import { startDepot, type Depot } from './depot.ts';
import { startNginx, type Nginx } from './nginx.ts';
import type { BenchOptions } from './options.ts';

/** All that a line may use. Servers start when they are first asked for, and end with the stage. */
export interface Stage {
  readonly options: BenchOptions;
  readonly corpus: Corpus;
  /** Removed at the end. */
  readonly scratch: string;
  /** Stays for the next run: what took long to make. */
  readonly kept: string;
  note(text: string): void;
  /** Serves the corpus; shared by the lines that only ask. */
  depot(): Promise<Depot>;
  /** A server of one line's own, which the line stops. */
  ownDepot(
    packagePaths: readonly string[],
    cacheDir: string,
    flags?: Readonly<Record<string, string>>,
  ): Promise<Depot>;
  /** An empty folder for an index. */
  emptyFolder(): Promise<string>;
  /** A folder with the index of these packages in it; of the corpus where none are named. */
  warmCache(packagePaths?: readonly string[]): Promise<string>;
  bare(): Promise<Bare>;
  /** Serves the corpus. */
  nginx(): Promise<Nginx>;
  close(): Promise<void>;
}

/** The folder that outlives a run. */
export const keptFolder = join(tmpdir(), 'fleet-depot-bench');

/** Prepares a scratch folder; nothing is started yet. */
export async function createStage(
  options: BenchOptions,
  corpus: Corpus,
  note: (text: string) => void,
): Promise<Stage> {
  const scratch = await mkdtemp(join(tmpdir(), 'fleet-depot-bench-'));
  await mkdir(keptFolder, { recursive: true });
  const open: { stop(): Promise<void> }[] = [];
  const shared = <T extends { stop(): Promise<void> }>(start: () => Promise<T>): (() => Promise<T>) =>
    once(async () => {
      const started = await start();
      open.push(started);
      return started;
    });
  const emptyFolder = (): Promise<string> => mkdtemp(join(scratch, 'index-'));
  const ownDepot: Stage['ownDepot'] = (packagePaths, cacheDir, flags = {}) =>
    startDepot({ packagePaths, cacheDir, scratch, flags });
  const warmed = new Map<string, Promise<string>>();
  const warm = async (packagePaths: readonly string[]): Promise<string> => {
    const cacheDir = await emptyFolder();
    await (await ownDepot(packagePaths, cacheDir)).stop();
    return cacheDir;
  };
  const warmCache = (packagePaths: readonly string[] = [corpus.folder]): Promise<string> => {
    const key = packagePaths.join();
    const made = warmed.get(key) ?? warm(packagePaths);
    warmed.set(key, made);
    return made;
  };
  return {
    options,
    corpus,
    scratch,
    kept: keptFolder,
    note,
    depot: shared(async () => ownDepot([corpus.folder], await warmCache())),
    ownDepot,
    emptyFolder,
    warmCache,
    bare: shared(startBare),
    nginx: shared(() => startNginx(corpus.folder, scratch)),
    close: async () => {
      await Promise.all(open.map((one) => one.stop()));
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
