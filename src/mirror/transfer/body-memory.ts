/** Room for one body; has to be given back once. */
export interface Place {
  /** Where it begins in the shared memory. */
  readonly offset: number;
  readonly bytes: Buffer;
  give(): void;
}

/**
 * Memory for bodies that are checked before they are written, shared with the threads that check. Bodies beyond it go to
 * the disk as they come.
 */
export interface BodyMemory {
  readonly shared: SharedArrayBuffer;
  /**
   * A place of that many bytes. Waits while bodies that are there whole hold the room, and hardly for the network: undefined
   * after a moment, and for a body larger than `largest`.
   */
  take(bytes: number): Promise<Place | undefined>;
}

interface Region {
  readonly start: number;
  readonly end: number;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (place: Place | undefined) => void;
}

/** Milliseconds that room is waited for: bodies of a slow network go to the disk rather than to hold each other up. */
const patience = 1000;

/** `total` bytes for all bodies together, `largest` for one. Pages that were never used take no memory. */
export function createBodyMemory(total: number, largest: number): BodyMemory {
  const shared = new SharedArrayBuffer(total);
  // In the order in which they lie.
  const taken: Region[] = [];
  const waiting: Waiting[] = [];

  const serve = (): void => {
    for (let first = waiting[0]; first; first = waiting[0]) {
      const place = fit(first.bytes);
      if (!place) {
        return;
      }
      waiting.shift();
      first.resolve(place);
    }
  };
  const fit = (bytes: number): Place | undefined => {
    let start = 0;
    let index = 0;
    for (const region of taken) {
      if (region.start - start >= bytes) {
        break;
      }
      start = region.end;
      index++;
    }
    if (start + bytes > total) {
      return undefined;
    }
    const region: Region = { start, end: start + bytes };
    taken.splice(index, 0, region);
    return {
      offset: start,
      bytes: Buffer.from(shared, start, bytes),
      give() {
        const at = taken.indexOf(region);
        if (at >= 0) {
          taken.splice(at, 1);
          serve();
        }
      },
    };
  };
  return {
    shared,
    take(bytes) {
      if (bytes > largest || bytes > total) {
        return Promise.resolve(undefined);
      }
      return new Promise((resolve) => {
        const one: Waiting = {
          bytes,
          resolve: (place) => {
            clearTimeout(timer);
            resolve(place);
          },
        };
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(one), 1);
          resolve(undefined);
          serve();
        }, patience);
        waiting.push(one);
        if (waiting.length === 1) {
          serve();
        }
      });
    },
  };
}
