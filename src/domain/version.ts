// Of the whole library this is what is needed; the other fifty files take 25 ms, in every process and thread.
import { compareIdentifiers } from 'semver/internal/identifiers.js';

/** A part of a version. Beyond 2^53−1 it is a bigint, since versions go up to 2^64−1 as in the reference. */
export type VersionNumber = number | bigint;

/** A parsed version. `text` is what was written; two versions that differ only in `build` are equal. */
export interface Version {
  readonly text: string;
  readonly major: VersionNumber;
  readonly minor: VersionNumber;
  readonly patch: VersionNumber;
  /** Without the leading `-`; empty for a release. */
  readonly prerelease: string;
  /** Without the leading `+`; empty where there is none. */
  readonly build: string;
}

const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const loose = new RegExp(
  `^v?(\\d+)(?:\\.(\\d+))?(?:\\.(\\d+))?(?:-(${identifiers}))?(?:\\+(${identifiers}))?$`,
);
const strict = new RegExp(
  `^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-(${identifiers}))?(?:\\+(${identifiers}))?$`,
);
const largest = 18_446_744_073_709_551_615n;
const maxLength = 256;

/** Strict semver.org grammar, as manifests, folders and addresses use it: three parts, no `v`. Undefined if it isn't one. */
export function parseStrictVersion(text: string): Version | undefined {
  return build(text, strict);
}

/** The loose form of query values: `8`, `v8.1`, `08.1.0`, `8.1-SNAPSHOT`. Undefined if it isn't one. */
export function parseLooseVersion(text: string): Version | undefined {
  return build(text, loose);
}

/** Below, equal or above as a negative number, 0 or a positive one; build metadata doesn't count. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  );
}

/** Below, equal or above, for numbers and bigints mixed. */
export function compareNumbers(a: VersionNumber, b: VersionNumber): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A release is above each of its prereleases; identifiers compare one by one, numbers below words. */
export function comparePrereleases(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  if (a === '' || b === '') {
    return a === '' ? 1 : -1;
  }
  const left = a.split('.');
  const right = b.split('.');
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x, y] = [left[at], right[at]];
    if (x === undefined || y === undefined) {
      return x === undefined ? -1 : 1;
    }
    // Numbers that a double can't tell apart have no leading zeros: the longer is the larger.
    const order = compareIdentifiers(x, y) || x.length - y.length || (x < y ? -1 : Number(x > y));
    if (order !== 0) {
      return order;
    }
  }
  return 0;
}

function build(text: string, form: RegExp): Version | undefined {
  const match = text.length <= maxLength ? form.exec(text) : null;
  if (!match) {
    return undefined;
  }
  const [, major = '0', minor = '0', patch = '0', prerelease = '', metadata = ''] = match;
  // A numeric identifier with a leading zero is refused in both forms (semver.org, item 9).
  if (prerelease !== '' && prerelease.split('.').some((part) => /^0\d+$/.test(part))) {
    return undefined;
  }
  const numbers = [major, minor, patch].map(parseNumber);
  const [x, y, z] = numbers;
  return x === undefined || y === undefined || z === undefined
    ? undefined
    : { text, major: x, minor: y, patch: z, prerelease, build: metadata };
}

function parseNumber(digits: string): VersionNumber | undefined {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) {
    return value;
  }
  const exact = BigInt(digits);
  return exact <= largest ? exact : undefined;
}
