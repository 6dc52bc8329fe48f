import { buffer } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import type { ServedFile } from '../source/source.ts';

/** An archive in memory. `release` must be called when the answer is over, however it ended. */
export interface KeptArchive {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
  release(): void;
}

/** Archives that are asked for again and again, in bounded memory; all others are streamed from disk. */
export interface ArchiveCache {
  /** The archive, if it is in memory. */
  take(key: string): KeptArchive | undefined;
  /**
   * Reads a file that turns out to be wanted often, closes it, and gives it from memory; undefined leaves the file open
   * and to the caller. Callers at the same time share one reading. Throws what reading throws.
   */
  admit(key: string, file: ServedFile): Promise<KeptArchive | undefined>;
}

interface Entry {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
  users: number;
  isKept: boolean;
}

// So few that a client which fetches one archive after another never finds one of them called hot.
const rememberedKeys = 48;

/**
 * Keeps archives of up to a quarter of `maxBytes`, from the second request in a short while on. What fell out but is still being sent to
 * slow clients counts too: while it exceeds `maxBytes`, nothing is read into memory. Nor is what would make more than a quarter of
 * `maxBytes` that is read at the same time, since it takes memory before it takes the place of others.
 */
export function createArchiveCache(maxBytes: number): ArchiveCache {
  const most = maxBytes >> 2;
  let detached = 0;
  let beingRead = 0;
  const asked = new LRUCache<string, true>({ max: rememberedKeys });
  const reading = new Map<string, Promise<Entry>>();
  const kept = new LRUCache<string, Entry>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (entry) => Math.max(1, entry.bytes.length),
    dispose: (entry) => {
      entry.isKept = false;
      detached += entry.users > 0 ? entry.bytes.length : 0;
    },
  });

  const use = (entry: Entry): KeptArchive => {
    entry.users++;
    let isReleased = false;
    const release = (): void => {
      if (!isReleased) {
        isReleased = true;
        entry.users--;
        detached -= !entry.isKept && entry.users === 0 ? entry.bytes.length : 0;
      }
    };
    return { bytes: entry.bytes, etag: entry.etag, modifiedAt: entry.modifiedAt, release };
  };

  const read = async (key: string, file: ServedFile): Promise<Entry> => {
    beingRead += file.size;
    try {
      const bytes = await readWhole(file);
      const entry: Entry = { bytes, etag: file.etag, modifiedAt: file.modifiedAt, users: 0, isKept: true };
      kept.set(key, entry);
      return entry;
    } finally {
      beingRead -= file.size;
      reading.delete(key);
    }
  };

  return {
    take: (key) => {
      const entry = kept.get(key);
      return entry && use(entry);
    },
    admit: async (key, file) => {
      const isHot = asked.has(key);
      asked.set(key, true);
      if (!isHot || file.size === 0 || file.size > most || detached > maxBytes) {
        return undefined;
      }
      let running = reading.get(key);
      if (!running) {
        if (beingRead + file.size > most) {
          return undefined;
        }
        running = read(key, file);
        reading.set(key, running);
      }
      try {
        return use(await running);
      } finally {
        await file.close();
      }
    },
  };
}

/** Into one buffer of just its size, where the file can be read so. */
async function readWhole(file: ServedFile): Promise<Buffer> {
  if (!file.readInto) {
    return buffer(file.stream(0, file.size - 1));
  }
  const bytes = Buffer.allocUnsafeSlow(file.size);
  for (let at = 0; at < bytes.length;) {
    at += await file.readInto(bytes.subarray(at), bytes.length - at, at);
  }
  return bytes;
}
