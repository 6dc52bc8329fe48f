import { createPatientWriter } from './patient-writer.ts';

/** Takes lines of log, each with its newline. */
export interface LineOutput {
  write(line: string): void;
  /** Writes out what is still held back, as far as it goes without waiting. */
  flush(): void;
  /** The same for the last time: a slow reader is waited for a moment. */
  end(): void;
}

/** Who is told of lines that were dropped because nobody reads. */
export interface DropListener {
  /** So many were dropped just now. */
  dropped(lines: number): void;
  /** Lines go out again, after a gap of so many. */
  resumed(lines: number): void;
}

/** What is held back at most, in bytes, and for how long, in milliseconds. */
const maxHeld = 64 * 1024;
const heldFor = 20;
/** UTF-8 takes at most this many bytes for a unit of a text. */
const unitBytes = 3;
/** How long the end of the process waits for a slow reader, in milliseconds. */
const lastWait = 500;

/**
 * Lines of a short while are written together, in their order, and by `flush` when something fails: a write for each line costs as
 * much as the rest of a request. They are kept as bytes, since a long text that is added to grows into a tree that is walked
 * several times at its end. Where nobody reads, some MiB are kept and the rest is dropped: the server goes on.
 */
export const standardError = (listener: DropListener): LineOutput => {
  const writer = createPatientWriter(process.stderr);
  const held = Buffer.allocUnsafeSlow(maxHeld);
  let length = 0;
  let lines = 0;
  let gap = 0;
  const put = (bytes: Uint8Array, count: number): void => {
    if (!writer.write(bytes)) {
      gap += count;
      listener.dropped(count);
    } else if (gap > 0) {
      const before = gap;
      gap = 0;
      listener.resumed(before);
    }
  };
  const writeHeld = (): void => {
    if (length > 0) {
      const [bytes, count] = [held.subarray(0, length), lines];
      // Now, since what the listener is told comes back as a line.
      length = 0;
      lines = 0;
      put(bytes, count);
    }
  };
  return {
    write: (line) => {
      const most = line.length * unitBytes;
      if (length + most > maxHeld) {
        writeHeld();
      }
      if (most > maxHeld) {
        put(Buffer.from(line), 1);
        return;
      }
      if (length === 0) {
        setTimeout(writeHeld, heldFor);
      }
      length += held.write(line, length);
      lines++;
    },
    flush: () => {
      writeHeld();
      writer.flush(0);
    },
    end: () => {
      writeHeld();
      writer.flush(lastWait);
    },
  };
};
