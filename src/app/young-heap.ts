import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from enlarging the part of its heap where objects are born, until the function that is returned is called.
 * Making an index would let it grow to 32 MB, and a server that waits for its first client may never give them back.
 * Under load it may grow again: there it saves time.
 */
export function holdYoungHeap(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString('--semi-space-growth-factor=2');
}
