import { destination } from 'pino';

/** Takes lines of log, each with its newline. */
export interface LineOutput {
  write(line: string): void;
  /** Writes out what is still held back, before it returns. */
  flush(): void;
}

/** What is held back at most, in bytes, and for how long, in milliseconds. */
const maxHeld = 64 * 1024;
const heldFor = 20;
/** UTF-8 takes at most this many bytes for a unit of a text. */
const unitBytes = 3;

/**
 * Lines of a short while are written together, in their order, and by `flush` when the process ends or something fails: a write
 * for each line costs as much as the rest of a request. They are kept as bytes, since a long text that is added to grows into a tree
 * that is walked several times at its end. The write itself is synchronous; one in the background would overtake itself when the
 * end of the process flushes.
 */
export const standardError = (): LineOutput => {
  const stream = destination({ fd: 2, sync: true, contentMode: 'buffer' });
  const write = stream.write.bind(stream) as unknown as (bytes: Buffer) => boolean;
  let held = Buffer.allocUnsafeSlow(maxHeld);
  let length = 0;
  // Nobody reads any more (a closed pipe), or the disk is full: there is no other place to say so. The stream keeps the bytes and
  // tries again with the next ones, so they are not written over.
  stream.on('error', () => {
    held = Buffer.allocUnsafeSlow(maxHeld);
  });
  const writeHeld = (): void => {
    if (length > 0) {
      const lines = held.subarray(0, length);
      length = 0;
      write(lines);
    }
  };
  return {
    write: (line) => {
      const most = line.length * unitBytes;
      if (length + most > maxHeld) {
        writeHeld();
      }
      if (most > maxHeld) {
        write(Buffer.from(line));
        return;
      }
      if (length === 0) {
        setTimeout(writeHeld, heldFor);
      }
      length += held.write(line, length);
    },
    flush: () => {
      writeHeld();
      try {
        stream.flushSync();
      } catch {
        // The same closed pipe.
      }
    },
  };
};
