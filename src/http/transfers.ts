import type { ServerResponse } from 'node:http';
import type { ServedFile } from '../source/source.ts';
import { bufferSizes, createPieceBuffers, type PieceBuffers } from './piece-buffers.ts';

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
export const largeFileBytes = bufferSizes[0];

/** Up to so many transfers read the next piece while one is written; among many, others are read meanwhile. */
const fewTransfers = 8;

/** A piece should be with the system after so many milliseconds: a slow client gets small ones. */
const pieceTime = 250;

/**
 * All transfers share one amount of `memory`, in bytes. Each gets its equal share of it, in pieces of 1 MiB at most, and less the
 * less is left; when nothing is, 16 KiB: so much more than `memory` each may take.
 */
export const createTransfers = (memory = 64 * 1024 * 1024): Transfers => {
  const buffers = createPieceBuffers(memory);
  let running = 0;
  const room: Room = {
    buffers,
    width: () => (running > fewTransfers ? 1 : 2),
    pieceSize: (pace) => {
      const share = memory / Math.max(1, running);
      const left = (memory - buffers.taken) / 4;
      return sizeBelow(Math.min(share, left, pace * pieceTime));
    },
  };
  return {
    get running() {
      return running;
    },
    send: async (response, file, start, end) => {
      running += 1;
      try {
        await pour(response, file, start, end, room);
      } finally {
        running -= 1;
        await file.close().catch(() => undefined);
      }
    },
  };
};

/** The largest size of a buffer that is not above, or the least one. */
const sizeBelow = (bytes: number): number => bufferSizes.findLast((size) => size <= bytes) ?? bufferSizes[0];

/** What transfers share. */
interface Room {
  readonly buffers: PieceBuffers;
  /** Pieces that one transfer may have at once. */
  width(): number;
  /** Bytes of the next piece for a client that took `pace` bytes in a millisecond. */
  pieceSize(pace: number): number;
}

const pour = async (
  response: ServerResponse,
  file: ReusableFile,
  start: number,
  end: number,
  { buffers, width, pieceSize }: Room,
): Promise<void> => {
  const taken = new Set<Buffer>();
  let wake: (() => void) | undefined;
  let isOver = false;
  let pace = Infinity;
  const giveBack = (buffer: Buffer): void => {
    if (taken.delete(buffer)) {
      buffers.give(buffer);
    }
  };
  // After it the system reads none of them any more, whether it has taken all or the connection is gone.
  const over = (): void => {
    isOver = true;
    wake?.();
  };
  const isOverOrFree = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  response.once('close', over);
  response.on('error', over);
  try {
    for (let position = start; position <= end && !isOver && !response.destroyed;) {
      if (taken.size >= width()) {
        await isOverOrFree();
        continue;
      }
      const wanted = Math.min(pieceSize(pace), end + 1 - position);
      const buffer = buffers.take(wanted);
      taken.add(buffer);
      const length = await file.readInto(buffer, wanted, position, position + wanted > end);
      position += length;
      const piece = buffer.subarray(0, length);
      if (isOver) {
        return;
      }
      if (position > end) {
        response.end(piece);
        break;
      }
      const writtenAt = performance.now();
      // The callback comes when the bytes are with the system (or encrypted): then the buffer is free again.
      response.write(piece, () => {
        pace = length / (performance.now() - writtenAt);
        giveBack(buffer);
        wake?.();
      });
    }
    await file.close();
    while (!isOver && !response.destroyed) {
      await isOverOrFree();
    }
  } catch {
    response.destroy();
  } finally {
    taken.forEach(giveBack);
  }
};
