/** Compares two streams of bytes that come in pieces of different lengths, without keeping more than what one is ahead. */
export interface ByteComparison {
  /** Bytes of what was read. Throws what `fail` makes of it when too far ahead. */
  found(chunk: Uint8Array): void;
  /** Bytes of what it should be. */
  expected(chunk: Uint8Array): void;
  /** Checks that both ended together. */
  end(): void;
}

/** `fail` gets the offset of the first byte that differs. `maxAhead` bounds the memory in bytes. */
export const createByteComparison = (maxAhead: number, fail: (reason: string) => Error): ByteComparison => {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let offset = 0;
  return {
    found(chunk) {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes > maxAhead) {
        throw fail(`after byte ${offset} comes something that does not belong there`);
      }
    },
    expected(chunk) {
      let rest = chunk;
      while (rest.length > 0) {
        const first = waiting[0];
        if (first === undefined) {
          throw fail(`it ends at byte ${offset}, more should follow`);
        }
        const length = Math.min(first.length, rest.length);
        if (Buffer.compare(first.subarray(0, length), rest.subarray(0, length)) !== 0) {
          throw fail(
            `it differs between byte ${offset} and ${offset + length} from what was written: a byte was changed, or another program packed the archive anew`,
          );
        }
        if (length === first.length) {
          waiting.shift();
        } else {
          waiting[0] = first.subarray(length);
        }
        waitingBytes -= length;
        offset += length;
        rest = rest.subarray(length);
      }
    },
    end() {
      if (waitingBytes > 0) {
        throw fail(`after byte ${offset}, where it should end, come ${waitingBytes} bytes or more`);
      }
    },
  };
};
