import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Writes to a file descriptor and never waits for whoever reads it. */
export interface PatientWriter {
  /**
   * Takes bytes, which may be changed afterwards. What cannot be written now is kept and tried again, in its order. False where
   * too much is kept already: these bytes are dropped, and all that follow until half of it is written.
   */
  write(bytes: Uint8Array): boolean;
  /** Tries to write what is kept, for as many milliseconds where the reader is slow. */
  flush(milliseconds: number): void;
}

/** What is kept at most, in bytes. */
const maxKept = 4 * 1024 * 1024;
/** How often what is kept is tried again where nothing new comes, and while the process ends; in milliseconds. */
const pause = 100;
const shortPause = 10;

/**
 * A pipe that nobody reads, or a full disk, is tried again and again. pino's own destination would sleep until there is room, and
 * loses count of what is half written where it is told not to.
 */
export const createPatientWriter = (descriptor: number): PatientWriter => {
  const target = withoutWaiting(descriptor);
  const kept: Uint8Array[] = [];
  let length = 0;
  let isDropping = false;
  let timer: NodeJS.Timeout | undefined;

  /** What is left of these bytes when the descriptor takes no more. */
  const put = (bytes: Uint8Array): Uint8Array => {
    let rest = bytes;
    try {
      while (rest.length > 0) {
        rest = rest.subarray(writeSync(target, rest));
      }
    } catch {
      // No room, or nobody at the other end just now: there is no other place to say so.
    }
    return rest;
  };

  /** True where nothing is kept any more. */
  const putKept = (): boolean => {
    while (kept[0] !== undefined) {
      const rest = put(kept[0]);
      length -= kept[0].length - rest.length;
      if (rest.length > 0) {
        kept[0] = rest;
        tryLater();
        return false;
      }
      kept.shift();
    }
    return true;
  };

  const tryLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      putKept();
    }, pause).unref();
  };

  return {
    write: (bytes) => {
      const isFree = putKept();
      isDropping = length + bytes.length > (isDropping ? maxKept / 2 : maxKept);
      if (isDropping) {
        return false;
      }
      const rest = isFree ? put(bytes) : bytes;
      if (rest.length > 0) {
        kept.push(new Uint8Array(rest));
        length += rest.length;
        tryLater();
      }
      return true;
    },
    flush: (milliseconds) => {
      const clock = new Int32Array(new SharedArrayBuffer(4));
      for (let waited = 0; !putKept() && waited < milliseconds; waited += shortPause) {
        Atomics.wait(clock, 0, 0, shortPause);
      }
    },
  };
};

/**
 * A pipe is opened once more, so that writing to it never waits: the flag for that is shared with every process that inherited the
 * pipe, and each that is started takes it off.
 */
const withoutWaiting = (descriptor: number): number => {
  try {
    if (!fstatSync(descriptor).isFIFO()) {
      return descriptor;
    }
    const own = openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
    if (fstatSync(own).isFIFO()) {
      return own;
    }
    closeSync(own);
  } catch {
    // No /proc, or the pipe belongs to somebody else: it is used as it is.
  }
  return descriptor;
};
