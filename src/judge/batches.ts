import type { PackageRef } from '../source/source.ts';
import type { Candidate } from './task.ts';

/** Packages that one thread judges at a time; most likely versions of one name. */
export interface Batch {
  readonly name: string;
  readonly candidates: readonly Candidate[];
}

const batchSize = 24;

/**
 * Versions of one name share most of their files, so they go to one thread together. The first batches of all names come
 * first, the largest names before the small ones; what they learn of files helps the second ones.
 */
export function createBatches(candidates: readonly Candidate[]): Batch[] {
  const byName = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const name = likelyName(candidate.ref);
    const list = byName.get(name);
    if (list) {
      list.push(candidate);
    } else {
      byName.set(name, [candidate]);
    }
  }
  const batches = [...byName].flatMap(([name, list]) =>
    Array.from({ length: Math.ceil(list.length / batchSize) }, (_, place) => {
      const some = list.slice(place * batchSize, (place + 1) * batchSize);
      return { name, candidates: some, place, weight: some.reduce((sum, { ref }) => sum + ref.size, 0) };
    }),
  );
  return batches.toSorted((a, b) => a.place - b.place || b.weight - a.weight);
}

/** `nginx` of `some/where/nginx-1.2.3.zip` and of `nginx/1.2.3`: a guess that costs nothing when it is wrong. */
function likelyName({ kind, label }: PackageRef): string {
  const start = kind === 'zip' ? label.lastIndexOf('/') + 1 : 0;
  return label.slice(start).split(kind === 'zip' ? '-' : '/', 1)[0] ?? '';
}
