import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Frees what buffers take that are needed for a moment only, now and then. */
export interface ReceivedBuffers {
  /** Tells how many bytes of them were made since the last call. */
  received(bytes: number): void;
}

const mostBytes = 3 * 2 ** 20;

/**
 * Each read from a socket makes a buffer of 64 KiB outside of the JavaScript heap, as inflating a file does. They are free at
 * once, but V8 only notices when its young generation is full of other things, which is after some 20 MB of them. A look at the young
 * generation alone takes less than a millisecond.
 */
export function createReceivedBuffers(): ReceivedBuffers {
  const collect = findCollector();
  let bytes = 0;
  return {
    received(count) {
      bytes += Math.max(0, count);
      if (bytes >= mostBytes) {
        bytes = 0;
        collect?.({ type: 'minor' });
      }
    },
  };
}

type Collector = (options: { readonly type: 'minor' }) => void;

/** V8 shows its collector only to contexts that are made while the flag is set. */
function findCollector(): Collector | undefined {
  setFlagsFromString('--expose-gc');
  try {
    const found: unknown = runInNewContext('globalThis.gc');
    return typeof found === 'function' ? (found as Collector) : undefined;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
