import type { PackageRef } from '../source/source.ts';
import { stampOf } from './known-package.ts';

/**
 * A file that was written to this short a time ago may be still on its way: a copy that runs, or an archive whose
 * signature comes next. It is looked at again instead of being quarantined. Milliseconds.
 */
export const settleTime = 5000;

/** Tells what was written to just now, over all looks at the package paths. */
export interface Settling {
  /** Begins a look; the function tells of each package whether it has been left alone for a while. */
  look(): (ref: PackageRef) => boolean;
}

/** Clocks in milliseconds: that of files, and one that nobody sets. */
export interface Clocks {
  wall(): number;
  steady(): number;
}

const realClocks: Clocks = { wall: () => Date.now(), steady: () => performance.now() };

/**
 * A time of change that lies well back is believed. One that is near or in the future (a clock set back, a file server
 * whose clock is ahead) is not: then the package must have been seen unchanged for as long.
 */
export function createSettling(clocks: Clocks = realClocks): Settling {
  let seen = new Map<string, { readonly stamp: string; readonly since: number }>();
  return {
    look: () => {
      const before = seen;
      seen = new Map();
      const current = seen;
      const start = clocks.wall();
      return (ref) => {
        if (Math.max(ref.modifiedAt, ref.signature?.modifiedAt ?? 0) < start - settleTime) {
          return true;
        }
        const now = clocks.steady();
        const stamp = stampOf(ref);
        const known = before.get(ref.path) ?? current.get(ref.path);
        const since = known?.stamp === stamp ? known.since : now;
        current.set(ref.path, { stamp, since });
        return now - since >= settleTime;
      };
    },
  };
}
