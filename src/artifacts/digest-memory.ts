import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { digestOf } from '../files/digest.ts';
import { writeDurably } from '../files/durable-file.ts';
import { makeFolder } from '../files/folder.ts';
import { discardLeftIn } from '../files/left-behind.ts';

/** What was computed of a file, remembered by its path and stamp, so that gigabytes are read once. */
export interface DigestMemory {
  /** Undefined where nothing is known of this content. */
  get(path: string, stamp: string): string | undefined;
  set(path: string, stamp: string, value: string): void;
  /** Drops what `isWanted` refuses, and writes to disk what is not there. Never throws; resolves with why it could not. */
  save(isWanted: (path: string) => boolean): Promise<Error | undefined>;
  /**
   * Looks at the file, and takes from it what another process has written since where that is followed. True where the file lacks
   * what is known: it could not be written, or is gone (a cache folder that was cleaned).
   */
  reload?(): Promise<boolean>;
}

interface Entry {
  readonly stamp: string;
  readonly value: string;
}

/** Another format takes another name of the file, too: who goes back to an older program finds what that knew. */
const header = 'fleet-depot digests 1';
const maxMemoryBytes = 64 * 1024 * 1024;

/** A memory that ends with the process. */
export const createVolatileMemory = (): DigestMemory =>
  memoryOf(
    new Map(),
    () => Promise.resolve(),
    () => Promise.resolve(true),
  );

const fileOf = (folder: string, root: string): string =>
  join(folder, `artifacts-${digestOf(resolve(root)).slice(0, 16)}.jsonl`);

/** The memory that another process keeps. What is set here is not kept. */
export const followDigestMemory = (folder: string, root: string): DigestMemory => {
  const path = fileOf(folder, root);
  let entries: ReadonlyMap<string, Entry> = new Map();
  let seen: string | undefined;
  return {
    get: (name, stamp) => {
      const entry = entries.get(name);
      return entry?.stamp === stamp ? entry.value : undefined;
    },
    set: () => undefined,
    save: () => Promise.resolve(undefined),
    reload: async () => {
      const stats = await stat(path, { bigint: true }).catch(() => undefined);
      const now = stats && `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
      if (now !== seen) {
        entries = await readEntries(path);
        seen = now;
      }
      return stats === undefined;
    },
  };
};

/**
 * A memory in a file of `folder`, one for each `root` that artifacts lie in: a header, then one JSON list for each line.
 * Replaced as a whole by a rename. What can't be read (another format, a damaged line) is forgotten and computed again; it is
 * a cache, never the truth.
 */
export const openDigestMemory = async (folder: string, root: string): Promise<DigestMemory> => {
  const path = fileOf(folder, root);
  const isThere = (): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  return memoryOf(await readEntries(path), (entries) => writeEntries(path, entries), isThere);
};

const memoryOf = (
  entries: Map<string, Entry>,
  write: (entries: ReadonlyMap<string, Entry>) => Promise<void>,
  isThere: () => Promise<boolean>,
): DigestMemory => {
  let isChanged = false;
  const isSaved = async (): Promise<boolean> => !isChanged && (entries.size === 0 || (await isThere()));
  let writing = Promise.resolve<Error | undefined>(undefined);
  const save = async (isWanted: (path: string) => boolean): Promise<Error | undefined> => {
    for (const path of entries.keys()) {
      if (!isWanted(path)) {
        entries.delete(path);
        isChanged = true;
      }
    }
    if (await isSaved()) {
      return undefined;
    }
    isChanged = false;
    try {
      await write(entries);
      return undefined;
    } catch (error) {
      isChanged = true;
      return error as Error;
    }
  };
  return {
    get: (path, stamp) => {
      const entry = entries.get(path);
      return entry?.stamp === stamp ? entry.value : undefined;
    },
    set: (path, stamp, value) => {
      entries.set(path, { stamp, value });
      isChanged = true;
    },
    save: (isWanted) => {
      writing = writing.then(() => save(isWanted));
      return writing;
    },
    reload: async () => !(await isSaved()),
  };
};

const readEntries = async (path: string): Promise<Map<string, Entry>> => {
  const entries = new Map<string, Entry>();
  let text: string;
  try {
    const bytes = await readFile(path);
    text = bytes.length > maxMemoryBytes ? '' : bytes.toString('utf8');
  } catch {
    return entries;
  }
  const [first, ...lines] = text.split('\n');
  if (first !== header) {
    return entries;
  }
  for (const line of lines) {
    try {
      const [name, stamp, value] = JSON.parse(line) as unknown[];
      if (typeof name === 'string' && typeof stamp === 'string' && typeof value === 'string') {
        entries.set(name, { stamp, value });
      }
    } catch {
      // Damaged, or the empty end.
    }
  }
  return entries;
};

const writeEntries = async (path: string, entries: ReadonlyMap<string, Entry>): Promise<void> => {
  const lines = [...entries].map(([name, { stamp, value }]) => JSON.stringify([name, stamp, value]));
  await makeFolder(dirname(path));
  await discardLeftIn(dirname(path));
  await writeDurably(path, `${[header, ...lines].join('\n')}\n`);
};
