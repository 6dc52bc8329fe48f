import type { ServedFile } from '../source/source.ts';
import type { PieceBuffers } from './piece-buffers.ts';

/** A file that can be read into a given buffer. */
export type ReusableFile = ServedFile & { readonly readInto: NonNullable<ServedFile['readInto']> };

/** A part of a file in memory. */
export interface Piece {
  readonly bytes: Buffer;
  /** Must be called when the bytes are no longer needed; calls after the first do nothing. */
  release(): void;
}

/** One piece that several clients send, or have just sent. */
interface SharedPiece {
  readonly buffer: Buffer;
  /** Resolves when the buffer is full. */
  readonly reading: Promise<void>;
  users: number;
}

/** What is known of a file while it is sent. */
interface SentFile {
  clients: number;
  /** By their number: the place in the file, counted in pieces. */
  readonly pieces: Map<number, SharedPiece>;
}

/** Reads pieces of files; clients that download one file at about the same place share them. */
export interface Pieces {
  /**
   * Bytes from `position` on, none after `end`: of a piece that another client has, or of a new one of up to `wanted` bytes.
   * Others may have the new one too where `mayShare`. Throws what reading throws.
   */
  read(file: ReusableFile, position: number, end: number, wanted: number, mayShare: boolean): Promise<Piece>;
  /** Both are called once for each client of a file. */
  join(file: ReusableFile): void;
  leave(file: ReusableFile): void;
}

/** Bytes of a shared piece. */
export const sharedBytes = 256 * 1024;

/** Keeps at most `mostIdle` bytes of shared pieces that nobody sends at the moment, for those who come to them next. */
export const createPieces = (buffers: PieceBuffers, mostIdle: number): Pieces => {
  // Two files with the same strong validator have the same bytes.
  const files = new Map<string, SentFile>();
  // In the order in which they fell idle.
  const idle = new Map<SharedPiece, () => void>();
  const letGo = (piece: SharedPiece): void => {
    idle.get(piece)?.();
    idle.delete(piece);
  };

  const readOwn = async (
    file: ReusableFile,
    position: number,
    end: number,
    wanted: number,
  ): Promise<Piece> => {
    const buffer = buffers.take(wanted);
    let isHeld = true;
    const release = (): void => {
      if (isHeld) {
        isHeld = false;
        buffers.give(buffer);
      }
    };
    try {
      const length = await file.readInto(buffer, wanted, position, position + wanted > end);
      return { bytes: buffer.subarray(0, length), release };
    } catch (error) {
      release();
      throw error;
    }
  };

  const begin = (file: ReusableFile, pieces: SentFile['pieces'], number: number): SharedPiece => {
    const buffer = buffers.take(sharedBytes);
    const piece = { buffer, reading: fill(file, buffer, number * sharedBytes), users: 0 };
    pieces.set(number, piece);
    return piece;
  };

  const share = async (
    piece: SharedPiece,
    pieces: SentFile['pieces'],
    number: number,
    position: number,
  ): Promise<Piece> => {
    piece.users += 1;
    idle.delete(piece);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) {
        return;
      }
      isHeld = false;
      piece.users -= 1;
      if (piece.users === 0) {
        idle.set(piece, () => {
          pieces.delete(number);
          buffers.give(piece.buffer);
        });
        for (const [oldest] of idle) {
          if (idle.size * sharedBytes <= mostIdle) {
            break;
          }
          letGo(oldest);
        }
      }
    };
    try {
      await piece.reading;
      return { bytes: piece.buffer.subarray(position - number * sharedBytes), release };
    } catch (error) {
      release();
      letGo(piece);
      throw error;
    }
  };

  return {
    join: ({ etag }) => {
      const file = files.get(etag) ?? { clients: 0, pieces: new Map<number, SharedPiece>() };
      file.clients += 1;
      files.set(etag, file);
    },
    leave: ({ etag }) => {
      const file = files.get(etag);
      if (file && --file.clients === 0) {
        files.delete(etag);
        [...file.pieces.values()].forEach(letGo);
      }
    },
    read: (file, position, end, wanted, mayShare) => {
      const sent = files.get(file.etag);
      const number = Math.floor(position / sharedBytes);
      // The end of a file is read by each for itself: it is where the file must still be what it was opened as.
      if (sent && sent.clients > 1 && (number + 1) * sharedBytes <= end) {
        const { pieces } = sent;
        const piece = pieces.get(number) ?? (mayShare ? begin(file, pieces, number) : undefined);
        if (piece) {
          return share(piece, pieces, number, position);
        }
      }
      return readOwn(file, position, end, wanted);
    },
  };
};

const fill = async (file: ReusableFile, buffer: Buffer, position: number): Promise<void> => {
  for (let got = 0; got < buffer.length;) {
    got += await file.readInto(
      got === 0 ? buffer : buffer.subarray(got),
      buffer.length - got,
      position + got,
      false,
    );
  }
};
