import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Writes to standard error or output and never waits for whoever reads it. */
export interface PatientWriter {
  /**
   * Takes bytes, which may be changed afterwards. What cannot be written now is kept and tried again, in its order. False where
   * too much is kept already: these bytes are dropped, and all that follow until half of it is written.
   */
  write(bytes: Uint8Array): boolean;
  /** Tries to write what is kept, for as many milliseconds where the reader is slow. */
  flush(milliseconds: number): void;
}

/** `process.stderr`. What Node has beneath a pipe or a socket is not in its types. */
export interface OwnStream {
  readonly fd: number;
  readonly _handle?: { setBlocking?(isBlocking: boolean): void } | null;
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
export const createPatientWriter = (stream: OwnStream): PatientWriter => {
  const { target, dontWait } = withoutWaiting(stream);
  const kept: Uint8Array[] = [];
  let length = 0;
  let isDropping = false;
  let timer: NodeJS.Timeout | undefined;

  /** What is left of these bytes when the descriptor takes no more. */
  const put = (bytes: Uint8Array): Uint8Array => {
    let rest = bytes;
    try {
      dontWait();
      for (let written = -1; rest.length > 0 && written !== 0;) {
        written = writeSync(target, rest);
        rest = rest.subarray(written);
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
 * The flag that makes writing never wait is shared with every process that inherited the descriptor, and each one that is started takes
 * it off. So a pipe is opened once more, which gives a flag of its own; on a socket (a child's of Node, the journal's of systemd),
 * where that can't be done, it is set again each time.
 */
const withoutWaiting = ({ fd, _handle }: OwnStream): { target: number; dontWait(): void } => {
  const asItIs = { target: fd, dontWait: () => _handle?.setBlocking?.(false) };
  try {
    if (!fstatSync(fd).isFIFO()) {
      return asItIs;
    }
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    if (fstatSync(own).isFIFO()) {
      return { target: own, dontWait: () => undefined };
    }
    closeSync(own);
  } catch {
    // No /proc, or the pipe belongs to somebody else.
  }
  return asItIs;
};
