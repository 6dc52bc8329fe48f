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

/** Above this a file is worth two buffers of its own. */
export const largeFileBytes = 1024 * 1024;

/** 512 KiB sends at about the rate of the machine; with more transfers the pieces become smaller. */
const pieceBytes = { most: 512 * 1024, least: 64 * 1024 } as const;

/**
 * Each transfer has two buffers: one is filled from the disk while the other is on its way to the client. `memory` is what all
 * transfers should take together, in bytes; below 64 KiB a buffer is never made.
 */
export const createTransfers = (memory = 64 * 1024 * 1024): Transfers => {
  let running = 0;
  const pieceSize = (): number => {
    const share = memory / (2 * Math.max(1, running));
    return Math.max(pieceBytes.least, Math.min(pieceBytes.most, 2 ** Math.floor(Math.log2(share))));
  };
  return {
    get running() {
      return running;
    },
    send: async (response, file, start, end) => {
      running += 1;
      try {
        await pour(response, file, start, end, pieceSize());
      } finally {
        running -= 1;
        await file.close().catch(() => undefined);
      }
    },
  };
};

const pour = async (
  response: ServerResponse,
  file: ReusableFile,
  start: number,
  end: number,
  size: number,
): Promise<void> => {
  const first = Math.min(size, end + 1 - start);
  const free = [Buffer.allocUnsafeSlow(first), Buffer.allocUnsafeSlow(end + 1 - start > size ? size : 0)];
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
      const buffer = free.pop();
      if (isOver || response.destroyed) {
        return;
      }
      if (!buffer) {
        await isFree();
        continue;
      }
      if (buffer.length === 0) {
        continue;
      }
      const count = await file.readInto(buffer, Math.min(buffer.length, end + 1 - position), position);
      position += count;
      // The callback comes when the bytes are with the system (or encrypted): then the buffer is free again.
      response.write(count === buffer.length ? buffer : buffer.subarray(0, count), () => {
        free.push(buffer);
        wake?.();
      });
    }
    response.end();
  } catch {
    response.destroy();
  }
};
