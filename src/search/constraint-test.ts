import type { Constraint } from '../domain/constraint.ts';
import type { Version } from '../domain/version.ts';

/** Tests a condition against a client's version, once for each constraint. No version or no condition always fits. */
export function createConstraintTest(
  version: Version | undefined,
): (constraint: Constraint | undefined) => boolean {
  const known = new Map<Constraint, boolean>();
  return (constraint) => {
    if (version === undefined || constraint === undefined) {
      return true;
    }
    let fits = known.get(constraint);
    if (fits === undefined) {
      fits = constraint.test(version);
      known.set(constraint, fits);
    }
    return fits;
  };
}
