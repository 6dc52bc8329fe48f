import { Readable } from 'node:stream';

/** The connection that a body comes over. */
export interface BodyLine {
  /** Lets the next bytes come. */
  resume(): void;
  /** Lets no more come, and forgets the time that the body may stall. */
  pause(): void;
  /** The body is there whole: the connection serves for another one. */
  done(): void;
  destroy(): void;
}

/** Bytes that one read may bring where the body is streamed. */
const pieceBytes = 64 * 1024;
/** Where it goes right to its place: fewer reads, and still some progress to tell. */
const largePieceBytes = 512 * 1024;

/**
 * A body of known length. Read it as a stream, or once with `readInto`, which the kernel writes to its place without a copy,
 * a buffer for each piece, and the collection of those.
 */
export class DirectBody extends Readable {
  readonly #line: BodyLine;
  readonly #scratch: Buffer;
  /** What came before anybody reads; undefined once somebody does. */
  #early: Buffer[] | undefined;
  #left: number;
  #isDone = false;
  #target: Buffer | undefined;
  #at = 0;
  #onBytes: ((count: number) => void) | undefined;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  /** `early` came with the head. It may lie in `scratch` only if the line, once paused, brings no more before `resume`. */
  constructor(line: BodyLine, length: number, early: Buffer, scratch: Buffer) {
    super({ highWaterMark: 2 * pieceBytes });
    this.#line = line;
    this.#scratch = scratch;
    this.#left = length - early.length;
    this.#early = [early];
  }

  /** Writes the body to the beginning of `target`, which has room for it. Rejects where it is cut; then `onBytes` has told what came. */
  readInto(target: Buffer, onBytes: (count: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.destroyed || this.#early === undefined) {
        reject(this.errored ?? new Error('the body was read or closed before'));
        return;
      }
      this.#target = target;
      this.#onBytes = onBytes;
      this.#settle = { resolve, reject };
      for (const piece of this.#early) {
        this.#at += piece.copy(target, this.#at);
      }
      this.#early = undefined;
      if (this.#at > 0) {
        onBytes(this.#at);
      }
      this.#goOn();
    });
  }

  /** Where the line's next read goes. */
  room(): Buffer {
    if (this.#left === 0 || this.#early !== undefined) {
      return this.#scratch;
    }
    return this.#target
      ? this.#target.subarray(this.#at, this.#at + Math.min(this.#left, largePieceBytes))
      : Buffer.allocUnsafeSlow(Math.min(this.#left, pieceBytes));
  }

  /** Takes what a read has brought; false where no more is wanted for now. */
  receive(piece: Buffer): boolean {
    if (piece.length > this.#left) {
      // Whatever follows the body was not asked for.
      this.#line.destroy();
      piece = piece.subarray(0, this.#left);
    }
    const isScratch = piece.buffer === this.#scratch.buffer;
    this.#left -= piece.length;
    if (this.#early) {
      // TLS passes on what it has decrypted, paused or not.
      this.#early.push(Buffer.from(piece));
      return false;
    }
    if (this.#target) {
      if (isScratch) {
        piece.copy(this.#target, this.#at);
      }
      this.#at += piece.length;
      this.#onBytes?.(piece.length);
      if (this.#left === 0) {
        this.#end();
      }
      return true;
    }
    const wantsMore = this.push(isScratch ? Buffer.from(piece) : piece);
    if (this.#left === 0) {
      this.#end();
      return true;
    }
    if (!wantsMore) {
      this.#line.pause();
    }
    return wantsMore;
  }

  /** The connection is gone. */
  fail(error: Error): void {
    if (this.#left > 0) {
      this.destroy(error);
    }
  }

  override _read(): void {
    if (this.#target || this.destroyed) {
      return;
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    let wantsMore = true;
    for (const piece of early) {
      wantsMore = piece.length === 0 || this.push(Buffer.from(piece));
    }
    if (wantsMore || this.#left === 0) {
      this.#goOn();
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isDone) {
      this.#line.destroy();
    }
    this.#settle?.reject(error ?? new Error('the body was closed'));
    // Who waits for `readInto` is told by it.
    callback(this.#settle ? null : error);
  }

  #goOn(): void {
    if (this.#left > 0) {
      this.#line.resume();
    } else {
      this.#end();
    }
  }

  #end(): void {
    this.#isDone = true;
    this.#line.done();
    if (this.#settle) {
      this.#settle.resolve();
      this.#settle = undefined;
      this.destroy();
    } else {
      this.push(null);
    }
  }
}
