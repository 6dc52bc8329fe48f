import { parseConstraint } from '../domain/constraint.ts';
import type { Constraint } from '../domain/constraint.ts';
import type { Version } from '../domain/version.ts';

/** A name pattern with `*` and `?`, and the versions it is meant for. */
export interface NamePattern {
  /** As it was written, for reports. */
  readonly text: string;
  matches(name: string, version: Version): boolean;
}

/**
 * Parses `cisco_*`, or `nginx@>=1.2.0 <2.0.0` when no range is given apart. Returns what is wrong as text.
 * Versions satisfy a range as packages' own constraints are read: a prerelease only where the range names one.
 */
export function parseNamePattern(name: string, range?: string): NamePattern | string {
  const at = range === undefined ? name.indexOf('@') : -1;
  const namePart = (at < 0 ? name : name.slice(0, at)).trim();
  const rangePart = (at < 0 ? range : name.slice(at + 1))?.trim();
  if (!/^[a-z0-9_*?]{1,200}$/.test(namePart)) {
    return `'${namePart}' is no name pattern: names have a-z, 0-9 and _, and * and ? stand for many letters and for one`;
  }
  let constraint: Constraint | undefined;
  if (rangePart !== undefined) {
    constraint = parseConstraint(rangePart);
    if (!constraint) {
      return `'${rangePart}' is no version range; write for example ">=1.2.0 <2.0.0"`;
    }
  }
  const matchesName = compileGlob(namePart);
  const text = rangePart === undefined ? namePart : `${namePart}@${rangePart}`;
  return {
    text,
    matches: (candidate, version) => matchesName(candidate) && (!constraint || constraint.test(version)),
  };
}

/** Matches in linear time for each `*`: no regular expression, so no pattern can be made slow. */
function compileGlob(glob: string): (text: string) => boolean {
  return (text) => {
    let g = 0;
    let t = 0;
    let star = -1;
    let resume = 0;
    while (t < text.length) {
      if (g < glob.length && (glob[g] === '?' || (glob[g] !== '*' && glob[g] === text[t]))) {
        g++;
        t++;
      } else if (glob[g] === '*') {
        star = g++;
        resume = t;
      } else if (star >= 0) {
        g = star + 1;
        t = ++resume;
      } else {
        return false;
      }
    }
    while (glob[g] === '*') {
      g++;
    }
    return g === glob.length;
  };
}
