import type { PackageRef } from '../source/source.ts';
import type { Candidate } from './task.ts';

/** Versions of what is most likely one name, that are still to be judged. */
export interface PlannedName {
  readonly left: Candidate[];
  readonly weight: number;
}

/** Who judges what: hands out candidates until there are none left. */
export interface Plan {
  /**
   * The next candidate for a reader that was at `current`. Versions of one name share most of their files, so a reader
   * stays with its name; then it begins another, the largest first; in the end it helps where most is left.
   */
  take(current: PlannedName | undefined): { candidate: Candidate; name: PlannedName } | undefined;
  /** Takes back what was handed out and not judged. */
  giveBack(candidates: readonly Candidate[]): void;
  isEmpty(): boolean;
}

/** Groups candidates by the name that their path lets expect. */
export function createPlan(candidates: readonly Candidate[]): Plan {
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
  const names = [...byName.values()]
    .map((left): PlannedName => ({ left, weight: left.reduce((sum, { ref }) => sum + ref.size, 0) }))
    .toSorted((a, b) => b.weight - a.weight);
  // Nobody begins with it: what was given back is found where most is left.
  const returnedName: PlannedName = { left: [], weight: 0 };
  names.push(returnedName);
  const unbegun = names.values();
  return {
    take: (current) => {
      let name = current;
      if (!name || name.left.length === 0) {
        const next = unbegun.next();
        name = next.done ? fullest(names) : next.value;
      }
      const candidate = name?.left.shift();
      return name && candidate && { candidate, name };
    },
    giveBack: (returned) => void returnedName.left.push(...returned),
    isEmpty: () => names.every(({ left }) => left.length === 0),
  };
}

const fullest = (names: readonly PlannedName[]): PlannedName | undefined =>
  names.reduce<PlannedName | undefined>(
    (most, name) => (name.left.length > (most?.left.length ?? 0) ? name : most),
    undefined,
  );

/** `nginx` of `some/where/nginx-1.2.3.zip` and of `nginx/1.2.3`: a guess that costs nothing when it is wrong. */
function likelyName({ kind, label }: PackageRef): string {
  const start = kind === 'zip' ? label.lastIndexOf('/') + 1 : 0;
  return label.slice(start).split(kind === 'zip' ? '-' : '/', 1)[0] ?? '';
}
