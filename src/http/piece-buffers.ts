/** Buffers that are used again and again: made anew for each request, they would keep the garbage collector busy. */
export interface PieceBuffers {
  /** One that `bytes` fit in; its content is whatever was in it. */
  take(bytes: number): Buffer;
  /** Gives back what was taken, once. */
  give(buffer: Buffer): void;
  /** Bytes that are taken now. */
  readonly taken: number;
}

/** Sizes of buffers. Few, so that what one transfer gave back suits the next. */
export const bufferSizes = [16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024] as const;

/** Buffers that nobody has are let go of after so many milliseconds in which none was taken. */
const idleTime = 5000;

/** Keeps what is given back while it and what is taken are not more than `memory` bytes. */
export const createPieceBuffers = (memory: number): PieceBuffers => {
  const spare = new Map<number, Buffer[]>(bufferSizes.map((size) => [size, []]));
  let spareBytes = 0;
  let taken = 0;
  let timer: NodeJS.Timeout | undefined;
  const letGoOfAll = (): void => {
    timer = undefined;
    if (taken === 0) {
      spare.forEach((list) => list.splice(0));
      spareBytes = 0;
    }
  };
  /** Of the size that most lie idle of. */
  const letGoOfOne = (): void => {
    const bytes = (size: number): number => size * (spare.get(size)?.length ?? 0);
    const size = bufferSizes.reduce((most, one) => (bytes(one) > bytes(most) ? one : most));
    spareBytes -= spare.get(size)?.shift()?.length ?? spareBytes;
  };
  return {
    take: (bytes) => {
      const size = bufferSizes.find((one) => one >= bytes) ?? bytes;
      // The one that was given back last is most likely still in the processor's own memory.
      const found = spare.get(size)?.pop();
      spareBytes -= found?.length ?? 0;
      taken += size;
      return found ?? Buffer.allocUnsafeSlow(size);
    },
    give: (buffer) => {
      taken -= buffer.length;
      spare.get(buffer.length)?.push(buffer);
      spareBytes += buffer.length;
      const isTooMuch = (): boolean => spareBytes > 0 && spareBytes + taken > memory;
      while (isTooMuch()) {
        letGoOfOne();
      }
      if (taken === 0) {
        timer ??= setTimeout(letGoOfAll, idleTime).unref();
        timer.refresh();
      }
    },
    get taken() {
      return taken;
    },
  };
};
