import type { Version, VersionNumber } from './version.ts';
import { compareNumbers, comparePrereleases, compareVersions, parseLooseVersion } from './version.ts';

/** One operator with its version, wildcards normalised to zeros and remembered as `dirty`. */
export interface Comparator {
  readonly text: string;
  readonly operator: Operator;
  readonly version: Version;
  /** A part was missing or a wildcard. */
  readonly dirty: boolean;
  readonly minorDirty: boolean;
  readonly patchDirty: boolean;
}

type Operator = '=' | '!=' | '>' | '<' | '>=' | '<=' | '~' | '^';

const operators: Readonly<Record<string, Operator>> = {
  '': '=',
  '=': '=',
  '!=': '!=',
  '>': '>',
  '<': '<',
  '>=': '>=',
  '=>': '>=',
  '<=': '<=',
  '=<': '<=',
  '~': '~',
  '~>': '~',
  '^': '^',
};

const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const form = new RegExp(
  `^v?([0-9xX*]+)(?:\\.([0-9xX*]+))?(?:\\.([0-9xX*]+))?((?:-${identifiers})?(?:\\+${identifiers})?)$`,
);

/** An operator and what follows it as a comparator; undefined if either isn't known. */
export function parseComparator(operatorText: string, versionText: string): Comparator | undefined {
  const operator = Object.hasOwn(operators, operatorText) ? operators[operatorText] : undefined;
  const match = operator && form.exec(versionText);
  if (!match) {
    return undefined;
  }
  const [, major = '', minor, patch, suffix = ''] = match;
  let base = [major, minor, patch].join('.');
  let [dirty, minorDirty, patchDirty] = [false, false, false];
  if (isWildcard(major)) {
    base = '0.0.0';
    dirty = true;
  } else if (minor === undefined || isWildcard(minor)) {
    base = `${major}.0.0`;
    [dirty, minorDirty] = [true, true];
  } else if (patch === undefined || isWildcard(patch)) {
    base = `${major}.${minor}.0`;
    [dirty, patchDirty] = [true, true];
  }
  const version = parseLooseVersion(base + suffix);
  return version && { text: operatorText + versionText, operator, version, dirty, minorDirty, patchDirty };
}

const isWildcard = (part: string): boolean => part === 'x' || part === 'X' || part === '*';

/** Whether a version satisfies one comparator; prereleases are the group's matter. Rules as in Masterminds/semver v3. */
export function satisfies(comparator: Comparator, version: Version): boolean {
  const base = comparator.version;
  const order = compareVersions(version, base);
  switch (comparator.operator) {
    case '=':
      return comparator.dirty ? tilde(comparator, version, order) : order === 0;
    case '!=':
      return differs(comparator, version, order);
    case '<':
      return order < 0;
    case '>=':
      return order >= 0;
    case '>':
      return above(comparator, version, order);
    case '<=':
      return atMost(comparator, version, order);
    case '~':
      return tilde(comparator, version, order);
    case '^':
      return caret(comparator, version, order);
  }
}

function differs(
  { dirty, minorDirty, patchDirty, version: base }: Comparator,
  version: Version,
  order: number,
): boolean {
  if (!dirty) {
    return order !== 0;
  }
  if (!same(version.major, base.major)) {
    return true;
  }
  if (!same(version.minor, base.minor) && !minorDirty) {
    return true;
  }
  if (minorDirty) {
    return false;
  }
  if (!same(version.patch, base.patch) && !patchDirty) {
    return true;
  }
  if (patchDirty) {
    const tagged = version.prerelease !== '' || base.prerelease !== '';
    return tagged && comparePrereleases(version.prerelease, base.prerelease) !== 0;
  }
  return order !== 0;
}

function above(
  { minorDirty, patchDirty, version: base }: Comparator,
  version: Version,
  order: number,
): boolean {
  if (minorDirty) {
    return version.major > base.major;
  }
  if (patchDirty) {
    return version.major > base.major || (same(version.major, base.major) && version.minor > base.minor);
  }
  return order > 0;
}

function atMost({ dirty, minorDirty, version: base }: Comparator, version: Version, order: number): boolean {
  if (!dirty) {
    return order <= 0;
  }
  if (version.major > base.major) {
    return false;
  }
  return !(same(version.major, base.major) && version.minor > base.minor && !minorDirty);
}

function tilde(
  { minorDirty, patchDirty, version: base }: Comparator,
  version: Version,
  order: number,
): boolean {
  if (order < 0) {
    return false;
  }
  const isZero = same(base.major, 0) && same(base.minor, 0) && same(base.patch, 0);
  if (isZero && !minorDirty && !patchDirty) {
    return true;
  }
  return same(version.major, base.major) && (minorDirty || same(version.minor, base.minor));
}

function caret(
  { minorDirty, patchDirty, version: base }: Comparator,
  version: Version,
  order: number,
): boolean {
  if (order < 0) {
    return false;
  }
  if (base.major > 0 || minorDirty) {
    return same(version.major, base.major);
  }
  if (version.major > 0) {
    return false;
  }
  if (base.minor > 0 || patchDirty) {
    return same(version.minor, base.minor);
  }
  return same(version.minor, 0) && same(version.patch, base.patch);
}

const same = (a: VersionNumber, b: VersionNumber): boolean => compareNumbers(a, b) === 0;
