import type { ServerResponse } from 'node:http';
import { bufferSizes, createPieceBuffers } from './piece-buffers.ts';
import { createPieces, sharedBytes, type Piece, type ReusableFile } from './pieces.ts';
import { createTurns } from './turns.ts';

/** Sends files from a bounded amount of memory. */
export interface Transfers {
  /**
   * Writes bytes `start` to `end` of the file, at least one, as the body of an answer, ends it and closes the file. `begin` is called
   * once the first of them are read; it sets or writes the head. Resolves when all is written or the client has left. Rejects where
   * not even the first could be read: nothing is written then, and the answer may still be another. A later fault cuts the
   * connection, because a client that waits for the rest of a Content-Length would wait for ever.
   */
  send(
    response: ServerResponse,
    file: ReusableFile,
    start: number,
    end: number,
    begin?: () => void,
  ): Promise<void>;
  /** Transfers that run now. */
  readonly running: number;
  /** Bytes that all of them hold now. */
  readonly held: number;
}

/** Up to so many transfers read the next piece while one is written; among many, others are read meanwhile. */
const fewTransfers = 8;

/** More than so many take turns: the pieces of fewer make no long round of the event loop. */
const manyTransfers = 32;

/** A piece should be with the system after so many milliseconds: a slow client gets small ones. */
const pieceTime = 250;

/**
 * All transfers share one amount of `memory`, in bytes. Each gets its equal share of it, in pieces of 1 MiB at most, and less the
 * less is left; when nothing is, 16 KiB: so much more than `memory` each may take.
 */
export const createTransfers = (memory = 32 * 1024 * 1024): Transfers => {
  const buffers = createPieceBuffers(memory);
  const pieces = createPieces(buffers, memory / 4);
  const turns = createTurns();
  let running = 0;
  const room: Room = {
    width: () => (running > fewTransfers ? 1 : 2),
    turn: () => (running > manyTransfers ? turns.next() : undefined),
    read: (file, position, end, pace) => {
      const left = (memory - buffers.taken) / 4;
      const size = sizeBelow(Math.min(memory / running, left, pace * pieceTime));
      return pieces.read(file, position, end, Math.min(size, end + 1 - position), left >= sharedBytes);
    },
  };
  return {
    get running() {
      return running;
    },
    get held() {
      return buffers.taken;
    },
    send: async (response, file, start, end, begin = () => undefined) => {
      running += 1;
      pieces.join(file);
      try {
        await pour(response, file, { start, end, begin }, room);
      } finally {
        running -= 1;
        pieces.leave(file);
        await file.close().catch(() => undefined);
      }
    },
  };
};

/** The largest size of a buffer that is not above, or the least one. */
const sizeBelow = (bytes: number): number => bufferSizes.findLast((size) => size <= bytes) ?? bufferSizes[0];

/** What transfers share. */
interface Room {
  /** Pieces that one transfer may have at once. */
  width(): number;
  /** When another piece may be sent; undefined for at once. */
  turn(): Promise<void> | undefined;
  /** The next piece for a client that took `pace` bytes in a millisecond. */
  read(file: ReusableFile, position: number, end: number, pace: number): Promise<Piece>;
}

/** What of a file is sent. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly begin: () => void;
}

const pour = async (
  response: ServerResponse,
  file: ReusableFile,
  { start, end, begin }: Stretch,
  { width, turn, read }: Room,
): Promise<void> => {
  const held = new Set<Piece>();
  let wake: (() => void) | undefined;
  let pace = Infinity;
  let isOver = false;
  let isBegun = false;
  const something = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  // After it the system reads no piece any more, whether it has taken all or the connection is gone.
  const over = (): void => {
    isOver = true;
    wake?.();
  };
  const goesOn = (): boolean => !isOver && !response.destroyed;
  response.once('close', over);
  response.on('error', over);
  try {
    for (let position = start; position <= end && goesOn();) {
      if (held.size >= width()) {
        await something();
        continue;
      }
      // Who has just come has had the turn that brought the request.
      const wait = position > start ? turn() : undefined;
      if (wait) {
        await wait;
      }
      const piece = await read(file, position, end, pace);
      held.add(piece);
      if (!goesOn()) {
        break;
      }
      if (!isBegun) {
        begin();
        isBegun = true;
      }
      const { length } = piece.bytes;
      position += length;
      if (position > end) {
        response.end(piece.bytes);
        break;
      }
      const writtenAt = performance.now();
      // The callback comes when the bytes are with the system (or encrypted): then the piece is free again.
      response.write(piece.bytes, () => {
        pace = length / (performance.now() - writtenAt);
        held.delete(piece);
        piece.release();
        wake?.();
      });
    }
    // A client may take hours for what is on its way; the file isn't needed for that.
    file.close().catch(() => undefined);
    while (goesOn()) {
      await something();
    }
  } catch (error) {
    if (!isBegun) {
      throw error;
    }
    response.destroy();
  } finally {
    held.forEach((piece) => piece.release());
  }
};
