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

/**
 * Lets V8 collect the older part of its heap when garbage has doubled it; by itself it waits until there is up to three times as much
 * garbage as is in use, and with it the memory of all answers and pieces of files that fell out of the caches. What is answered from
 * memory makes no such garbage, so it costs time only while much is asked that is not kept.
 */
export function limitOldHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
