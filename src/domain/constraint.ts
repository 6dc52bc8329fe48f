import type { Comparator } from './comparator.ts';
import { parseComparator, satisfies } from './comparator.ts';
import type { Version } from './version.ts';

/**
 * A version constraint with the semantics of Masterminds/semver v3, which the reference server uses: `,` and white
 * space mean AND, `||` means OR, and a group admits prereleases when one of its comparators has one. npm's semver
 * differs in all three.
 */
export interface Constraint {
  /** One spelling for all equal ways to write it: comparators joined by a space, groups by ` || `. */
  readonly text: string;
  test(version: Version): boolean;
}

const maxLength = 4096;
// Exactly the white space of Go's \s: no no-break space, no vertical tab, no byte order mark.
const space = /[\t\n\f\r ]/;
const hyphenRange = /^([^\t\n\f\r ,]+)[\t\n\f\r ]+-[\t\n\f\r ]+([^\t\n\f\r ,]+)/;

/** Parses a constraint; undefined if it isn't one. Linear in the length of the text, which is bounded by 4,096. */
export function parseConstraint(text: string): Constraint | undefined {
  if (text.length > maxLength) {
    return undefined;
  }
  const groups: Comparator[][] = [];
  for (const part of text.split('||')) {
    const group = parseGroup(part);
    if (!group) {
      return undefined;
    }
    groups.push(group);
  }
  return {
    text: groups.map((group) => group.map((comparator) => comparator.text).join(' ')).join(' || '),
    test: (version) => groups.some((group) => admits(group, version)),
  };
}

function admits(group: readonly Comparator[], version: Version): boolean {
  if (version.prerelease !== '' && !group.some((comparator) => comparator.version.prerelease !== '')) {
    return false;
  }
  return group.every((comparator) => satisfies(comparator, version));
}

/** Reads comparators that stand apart by white space or one comma; undefined for anything else, or for none at all. */
function parseGroup(text: string): Comparator[] | undefined {
  const group: Comparator[] = [];
  let at = skipSpace(text, 0);
  // As in the reference a range stands at the start of a group, behind a comma or behind another range.
  let mayBeRange = true;
  while (at < text.length) {
    const read: Read | undefined = (mayBeRange ? readRange(text, at) : undefined) ?? readComparator(text, at);
    if (!read) {
      return undefined;
    }
    group.push(...read.comparators);
    const next = skipSpace(text, read.end);
    mayBeRange = text[next] === ',' || read.comparators.length > 1;
    if (text[next] === ',') {
      at = skipSpace(text, next + 1);
      if (at === text.length) {
        return undefined;
      }
    } else if (next === read.end && next < text.length) {
      return undefined;
    } else {
      at = next;
    }
  }
  return group.length > 0 ? group : undefined;
}

interface Read {
  readonly comparators: readonly Comparator[];
  readonly end: number;
}

/** `A - B` with white space around the hyphen means `>=A <=B`. */
function readRange(text: string, start: number): Read | undefined {
  const match = hyphenRange.exec(text.slice(start));
  const [whole = '', low = '', high = ''] = match ?? [];
  const [a, b] = match ? [parseComparator('>=', low), parseComparator('<=', high)] : [];
  return a && b ? { comparators: [a, b], end: start + whole.length } : undefined;
}

function readComparator(text: string, start: number): Read | undefined {
  let end = start;
  while ('=!<>~^'.includes(text[end] ?? ' ')) {
    end++;
  }
  const operator = text.slice(start, end);
  const from = skipSpace(text, end);
  end = from;
  while (end < text.length && text[end] !== ',' && !space.test(text[end] ?? '')) {
    end++;
  }
  const comparator = parseComparator(operator, text.slice(from, end));
  return comparator && { comparators: [comparator], end };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && space.test(text[at] ?? '')) {
    at++;
  }
  return at;
}
