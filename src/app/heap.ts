import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from enlarging the part of its heap where objects are born, until the function that is returned is called: then the process
 * serves. Making an index would let it grow to 32 MB, and a server that waits for its first client may never give them back.
 *
 * While it serves that part may grow, which saves time under load, and the older part is collected when garbage has doubled it; by itself V8
 * waits until there is up to three times as much garbage as is in use, and with it the memory of all answers and pieces of files that
 * fell out of the caches. What is answered from memory makes no such garbage, so it costs time only while much is asked that is not kept.
 */
export function holdHeap(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => {
    setFlagsFromString('--semi-space-growth-factor=2');
    setFlagsFromString('--heap-growing-percent=100');
  };
}
