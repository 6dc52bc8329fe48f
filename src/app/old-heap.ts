import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 collect the older part of its heap when garbage has doubled it; by itself it waits until there is up to three times as much
 * garbage as is in use, and with it the memory of all answers and pieces of files that fell out of the caches. What is answered from
 * memory makes no such garbage, so it costs time only while much is asked that is not kept.
 */
export function limitOldHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
