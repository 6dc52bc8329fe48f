import type { Tree, TreeMap } from './tree.ts';

/** A free value of a manifest as it is answered; undefined is left out. */
export type Json = Tree | undefined;

// From the private use area; texts that have it themselves only make the mark longer.
const markSign = '\uE000';

/**
 * Pretty JSON with two spaces, in ASCII alone: Kibana decodes a body chunk by chunk and breaks every character that a
 * chunk border cuts, and only escapes save it. No newline at the end. A bigint is printed as a number and -0 as Go does, a
 * field that is undefined is left out. A mapping with keys that are numbers, which JavaScript puts first and in order of size, has its
 * keys in the order of their bytes.
 */
export function renderJson(value: object, indent = 2): string {
  let isMarked = false;
  const print = (mark: string): string =>
    JSON.stringify(
      value,
      (_key, child: unknown) => {
        if (typeof child === 'bigint' || Object.is(child, -0)) {
          isMarked = true;
          return `${mark}${typeof child === 'bigint' ? child : '-0'}`;
        }
        if (!hasNumbersFirst(child)) {
          return child;
        }
        isMarked = true;
        return Object.fromEntries(sortedEntries(child).map(([key, inner]) => [`${mark}k${key}`, inner]));
      },
      indent,
    );
  const text = print(markSign);
  if (!isMarked) {
    return escapeNonAscii(text);
  }
  const longest = Math.max(...(text.match(/\uE000+/g) ?? []).map((run) => run.length));
  const mark = markSign.repeat(longest + 1);
  return escapeNonAscii(
    print(mark)
      .replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1')
      .replaceAll(`"${mark}k`, '"'),
  );
}

/** Keys that are numbers come before all others. */
function hasNumbersFirst(value: unknown): value is TreeMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false;
  }
  for (const first in value) {
    return /^(?:0|[1-9]\d*)$/.test(first);
  }
  return false;
}

// Everything above ~ needs an escape; most texts have nothing of it.
// oxlint-disable-next-line no-control-regex
const beyondAscii = /[^\u0000-\u007f]/g;

function escapeNonAscii(text: string): string {
  return text.replace(beyondAscii, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** About what the fields around one value of a manifest take in an answer: an empty variable becomes five lines. */
const printedAround = 160;

/**
 * Whether a value of a manifest is answered in so many characters at most, about: each has fields around it, and what is
 * nested deep is indented on each of its lines, so that a short text can become a long answer.
 */
export function isPrintedWithin(value: Tree, limit: number): boolean {
  let left = limit;
  const take = (inner: Tree, indent: number): boolean => {
    left -= printedAround + indent + (typeof inner === 'string' ? inner.length : 0);
    if (left < 0 || typeof inner !== 'object' || inner === null) {
      return left >= 0;
    }
    if (Array.isArray(inner)) {
      return inner.every((child) => take(child, indent + 2));
    }
    return Object.entries(inner).every(([key, child]) => {
      left -= key.length;
      return take(child, indent + 2);
    });
  };
  return take(value, 0);
}

/** Sorts the keys of every mapping, as Go prints its maps (by bytes, which for keys in one script is by code unit). */
export function sortKeys(value: Tree): Tree {
  if (Array.isArray(value)) {
    return value.map(sortKeys);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(sortedEntries(value).map(([key, child]) => [key, sortKeys(child)]));
}

const sortedEntries = (map: TreeMap): [string, Tree][] =>
  Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
