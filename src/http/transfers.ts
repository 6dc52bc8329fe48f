import type { ServerResponse } from 'node:http';
import type { ServedFile } from '../source/source.ts';

/** Sends large files from a bounded amount of memory. */
export interface Transfers {
  /**
   * Writes bytes `start` to `end` of the file as the body of an answer whose head is set, ends it and closes the file. Resolves
   * when all is written or the client has left; never rejects: a fault while reading cuts the connection, because a
   * client that waits for the rest of a Content-Length would wait for ever.
   */
  send(response: ServerResponse, file: ReusableFile, start: number, end: number): Promise<void>;
  /** Transfers that run now. */
  readonly running: number;
}

/** A file that can be read into a given buffer. */
export type ReusableFile = ServedFile & { readonly readInto: NonNullable<ServedFile['readInto']> };

/** Below this a file goes out as a stream: it is small enough for one piece of it. */
export const largeFileBytes = 16 * 1024;

/** 1 MiB sends at about the rate of the machine; with more transfers the pieces become smaller. */
const pieceBytes = { most: 1024 * 1024, least: 64 * 1024 } as const;

/** Up to so many transfers have two buffers each. */
const fewTransfers = 16;

/**
 * Each transfer has two buffers: one is filled from the disk while the other is on its way to the client. `memory` is what all
 * transfers should take together, in bytes; below 64 KiB a buffer is never made.
 */
export const createTransfers = (memory = 64 * 1024 * 1024): Transfers => {
  let running = 0;
  const measure: Measure = {
    // Among many, others are read while one is written: then a second buffer only halves the pieces.
    buffers: () => (running > fewTransfers ? 1 : 2),
    pieceSize: () => {
      const share = memory / (measure.buffers() * Math.max(1, running));
      return Math.max(pieceBytes.least, Math.min(pieceBytes.most, 2 ** Math.floor(Math.log2(share))));
    },
  };
  return {
    get running() {
      return running;
    },
    send: async (response, file, start, end) => {
      running += 1;
      try {
        await pour(response, file, start, end, measure);
      } finally {
        running -= 1;
        await file.close().catch(() => undefined);
      }
    },
  };
};

/** The buffer, or one of the right size: who began alone makes room when others come, so that all are served alike. */
const fit = (buffer: Buffer | undefined, size: number): Buffer =>
  buffer?.length === size ? buffer : Buffer.allocUnsafeSlow(size);

/** What a transfer may hold, asked before each piece. */
interface Measure {
  buffers(): number;
  pieceSize(): number;
}

const pour = async (
  response: ServerResponse,
  file: ReusableFile,
  start: number,
  end: number,
  measure: Measure,
): Promise<void> => {
  const free: Buffer[] = [];
  let held = 0;
  let wake: (() => void) | undefined;
  let isOver = false;
  const isFree = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const over = (): void => {
    isOver = true;
    wake?.();
  };
  response.once('close', over);
  response.on('error', over);
  try {
    let position = start;
    while (position <= end) {
      if (isOver || response.destroyed) {
        return;
      }
      const buffer = free.pop();
      if (!buffer && held >= measure.buffers()) {
        await isFree();
        continue;
      }
      held += buffer ? 0 : 1;
      // The last piece, and all of a small file, has a buffer of just its size.
      const piece = fit(buffer, Math.min(measure.pieceSize(), end + 1 - position));
      const length = Math.min(piece.length, end + 1 - position);
      const count = await file.readInto(piece, length, position, position + length > end);
      position += count;
      if (position > end) {
        response.end(count === piece.length ? piece : piece.subarray(0, count));
        return;
      }
      // The callback comes when the bytes are with the system (or encrypted): then the buffer is free again.
      response.write(count === piece.length ? piece : piece.subarray(0, count), () => {
        if (held > measure.buffers()) {
          held -= 1;
        } else {
          free.push(piece);
        }
        wake?.();
      });
    }
  } catch {
    response.destroy();
  }
};
