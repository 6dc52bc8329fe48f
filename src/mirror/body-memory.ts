/** Places in memory for bodies that are checked before they are written. Those beyond go to the disk as they come. */
export interface BodyMemory {
  /** Bytes of one place. */
  readonly bytes: number;
  /** A place, or undefined where none is free. */
  take(): Buffer<ArrayBuffer> | undefined;
  /** Gives a place back, for the next body; of one that was lost with its thread, nothing. */
  give(place: Buffer<ArrayBuffer> | undefined): void;
}

/** `count` places of `bytes` each; made when they are first needed. */
export function createBodyMemory(count: number, bytes: number): BodyMemory {
  const free: Buffer<ArrayBuffer>[] = [];
  let left = count;
  return {
    bytes,
    take() {
      const known = free.pop();
      if (known || left === 0) {
        return known;
      }
      left--;
      return Buffer.from(new ArrayBuffer(bytes));
    },
    give(place) {
      if (place) {
        free.push(place);
      } else {
        left++;
      }
    },
  };
}
