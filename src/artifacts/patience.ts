import type { Artifact } from './artifact.ts';

/**
 * Milliseconds for which a file that was good, and isn't any more, is passing trouble for clients. Who copies a new file over
 * an old one, and then its `.sha512` and `.asc`, leaves them unfitting for a moment; agents give up on 404, but try again
 * after 503. No longer: who has a wrong file is to be told.
 */
const patience = 5000;

/**
 * Notes of files that were good at the look before until when clients are asked to come again, and what lies beside them
 * likewise; `now` is of a clock that nobody sets, in milliseconds. Keys are left out: Fleet Server asks for one again by itself. Files are in the order of their paths, and so is what
 * comes back, by path.
 */
export const withPatience = (
  files: readonly Artifact[],
  before: ReadonlyMap<string, Artifact>,
  now: number,
): ReadonlyMap<string, Artifact> => {
  const noted = new Map<string, Artifact>();
  for (const file of files) {
    const { path, kind } = file;
    // A sidecar comes after its artifact.
    const isSidecar = kind === 'sha512' || kind === 'signature';
    const awaitedUntil = isSidecar
      ? noted.get(path.slice(0, path.lastIndexOf('.')))?.awaitedUntil
      : endOf(file, before.get(path), now);
    noted.set(path, awaitedUntil === undefined ? file : { ...file, awaitedUntil });
  }
  return noted;
};

const endOf = ({ state, kind }: Artifact, old: Artifact | undefined, now: number): number | undefined => {
  const wasGood = old?.state === 'good' || old?.awaitedUntil !== undefined;
  if (state === 'good' || kind === 'key' || !wasGood) {
    return undefined;
  }
  if (state === 'unchecked') {
    // Only the verdict begins it.
    return Infinity;
  }
  return old.state === 'quarantined' ? old.awaitedUntil : now + patience;
};

/** Whether a file in quarantine may well be good in a moment. */
export const isAwaited = ({ state, awaitedUntil }: Artifact, now: number): boolean =>
  state === 'quarantined' && awaitedUntil !== undefined && now < awaitedUntil;

/** Whether one of the files is awaited. */
export const isAnyAwaited = (files: Iterable<Artifact>, now: number): boolean => {
  for (const file of files) {
    if (isAwaited(file, now)) {
      return true;
    }
  }
  return false;
};
