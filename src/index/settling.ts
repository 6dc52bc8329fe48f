import type { PackageRef } from '../source/source.ts';

/**
 * A file that was written to this short a time ago may be still on its way: a copy that runs, or an archive whose
 * signature comes next. It is looked at again instead of being quarantined. Milliseconds.
 */
export const settleTime = 3000;

/** True for what hasn't changed for a while; a time in the future (a clock set back) counts as settled. */
export function isSettled(ref: PackageRef, now: number): boolean {
  const changed = Math.max(ref.modifiedAt, ref.signature?.modifiedAt ?? 0);
  return changed > now + settleTime || changed < now - settleTime;
}
