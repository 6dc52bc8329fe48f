/** A decoded YAML or JSON value. The domain knows no parser: archive/yaml.ts and JSON.parse give this shape. */
export type Tree = null | boolean | number | bigint | string | Tree[] | TreeMap;

/** A mapping; keys in the order of the file. */
export interface TreeMap {
  [key: string]: Tree;
}

/** True for a mapping (not a list, not a scalar). */
export function isMap(value: Tree | undefined): value is TreeMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A mapping of these entries, in their order; `__proto__` is an ordinary key. */
export function mapOf(entries: Iterable<readonly [string, Tree]>): TreeMap {
  return Object.fromEntries(entries);
}

const maxIndex = 1024;
const decimal = /^\+?(?:0|[1-9]\d*)$/;
const octal = /^\+?0[0-7]+$/;
const prefixed = /^\+?0[xXoObB][0-9a-fA-F]+$/;

/** Whether a key may be one that `keyIndex` reads. */
export const mayBeIndex = /^[+\d]/;

/**
 * The place in a list that a key names, by Go's rules for whole numbers (`010` is 8, `0x10` 16); undefined for a name. To the
 * reference's configuration library `x.0: a` and `x: {"0": a}` are the list `x: [a]`. Numbers above 1024 are names.
 */
export function keyIndex(key: string): number | undefined {
  if (!mayBeIndex.test(key)) {
    return undefined;
  }
  const digits = key.replace('+', '');
  const index = octal.test(key)
    ? Number.parseInt(digits, 8)
    : decimal.test(key) || prefixed.test(key)
      ? Number(digits)
      : Number.NaN;
  return index <= maxIndex ? index : undefined;
}

/** The elements of a mapping that has names as well: those that its keys number, with null where none stands. */
export function listPart(map: TreeMap): Tree[] {
  const found: Tree[] = [];
  for (const [key, value] of Object.entries(map)) {
    const index = keyIndex(key);
    if (index !== undefined) {
      found[index] = value;
    }
  }
  return Array.from(found, (value) => value ?? null);
}

/** The entries of a mapping that have names. */
export function namedPart(map: TreeMap): [string, Tree][] {
  return Object.entries(map).filter(([key]) => keyIndex(key) === undefined);
}

/** A free value as the reference reads it: a mapping with nothing in it is null. */
export function freeValue(value: Tree): Tree {
  if (Array.isArray(value)) {
    return value.map(freeValue);
  }
  if (!isMap(value)) {
    return value;
  }
  const entries = Object.entries(value).map(([key, child]) => [key, freeValue(child)] as const);
  return entries.length > 0 ? mapOf(entries) : null;
}
